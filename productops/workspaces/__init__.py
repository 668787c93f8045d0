"""The ground floor: who is here, in which workspace, with which key."""

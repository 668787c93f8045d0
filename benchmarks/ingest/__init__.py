"""How fast deliveries are taken and turned into facts, each figure beside the floor it is compared with."""

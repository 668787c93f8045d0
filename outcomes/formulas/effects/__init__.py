"""Did it move the outcome? One module per design, the strongest that the data allows is taken."""

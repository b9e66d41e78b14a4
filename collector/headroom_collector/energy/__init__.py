"""Power of hosts as their management controllers (BMCs) tell it over the network."""

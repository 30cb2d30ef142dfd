"""One simulated world: guts, hosts, events and what a trial observes of them."""

"""When each cluster passes its ceiling, and how many more virtual machines fit until then."""

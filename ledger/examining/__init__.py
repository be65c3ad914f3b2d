"""Looking at entries one by one: parsing, signatures and claims, in this process or in several."""

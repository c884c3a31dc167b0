"""What there is: models, profiles, and whether the keys are good; told to people, pipes and CI."""

"""What a coming trial will show: priors of its effect and forecasts of its control arm."""

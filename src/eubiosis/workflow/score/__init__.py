"""The scoreboard: forecasts of finished studies, sealed before they are compared."""

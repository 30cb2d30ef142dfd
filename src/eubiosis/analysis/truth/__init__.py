"""What an analysis does where the truth is known: the only room that accepts latent tables."""

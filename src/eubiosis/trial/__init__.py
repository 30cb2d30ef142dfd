"""Design, eligibility, randomisation, visits, endpoints: a virtual trial, observed and latent apart."""

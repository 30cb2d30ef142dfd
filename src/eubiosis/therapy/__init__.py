"""What a therapy does to the model, when, and at which dose."""

from eubiosis.therapy.therapy import Therapy, inulin, placebo, propionate

__all__ = ["Therapy", "inulin", "placebo", "propionate"]

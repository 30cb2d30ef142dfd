"""What a therapy does to the model, when, and at which dose. Products are files in ``content/therapies``."""

from eubiosis.therapy.catalogue import Product, product, products
from eubiosis.therapy.dose import Dose
from eubiosis.therapy.therapy import (
    Adherence,
    Therapy,
    acid,
    antibiotic,
    diet,
    give,
    placebo,
    prebiotic,
)

__all__ = [
    "Adherence",
    "Dose",
    "Product",
    "Therapy",
    "acid",
    "antibiotic",
    "diet",
    "give",
    "placebo",
    "prebiotic",
    "product",
    "products",
]

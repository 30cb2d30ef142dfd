"""What a therapy does to the model, when, and at which dose. Products are files in ``content/therapies``."""

from eubiosis.therapy.adherence import Adherence
from eubiosis.therapy.catalogue import known_product, product, products
from eubiosis.therapy.dose import Dose
from eubiosis.therapy.product import Product
from eubiosis.therapy.therapy import (
    Component,
    Therapy,
    acid,
    antibiotic,
    diet,
    give,
    placebo,
    prebiotic,
    probiotic,
    transplant,
)
from eubiosis.therapy.transplant import Transplant

__all__ = [
    "Adherence",
    "Component",
    "Dose",
    "Product",
    "Therapy",
    "Transplant",
    "acid",
    "antibiotic",
    "diet",
    "give",
    "known_product",
    "placebo",
    "prebiotic",
    "probiotic",
    "product",
    "products",
    "transplant",
]

"""The mechanistic model: modules, sourced parameters, hand-over, conditions, checks."""

from eubiosis.model.model import Model, load

__all__ = ["Model", "load"]

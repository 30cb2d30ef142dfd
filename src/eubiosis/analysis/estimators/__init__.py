"""Estimators: from columns of an observed table to an effect with its interval and status."""

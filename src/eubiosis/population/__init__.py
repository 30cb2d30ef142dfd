"""From a stool table to people: taxa, guilds, contrasts to the controls, and a reference population."""

from eubiosis.population.contrast import GuildContrast, guild_contrast
from eubiosis.population.covariates import CovariateDraws
from eubiosis.population.reference import ReferencePopulation, load_reference
from eubiosis.population.stool.table import StoolTable, read_profiles, read_stool_table
from eubiosis.population.taxa import GUILDS, TaxaTable, Taxon, load_taxa

__all__ = [
    "GUILDS",
    "CovariateDraws",
    "GuildContrast",
    "ReferencePopulation",
    "StoolTable",
    "TaxaTable",
    "Taxon",
    "guild_contrast",
    "load_reference",
    "load_taxa",
    "read_profiles",
    "read_stool_table",
]

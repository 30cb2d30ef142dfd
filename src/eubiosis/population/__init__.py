"""From a stool table to people: taxa, guilds, contrasts, a reference population, and cohorts for trials."""

from eubiosis.population.contrast import GuildContrast, guild_contrast
from eubiosis.population.covariates import CovariateDraws
from eubiosis.population.example import write_example_table
from eubiosis.population.generate import Cohort, generate
from eubiosis.population.reference import ReferencePopulation, load_reference
from eubiosis.population.source import PopulationSource
from eubiosis.population.stool.table import StoolTable, read_profiles, read_stool_table
from eubiosis.population.taxa import GUILDS, TaxaTable, Taxon, load_taxa

__all__ = [
    "GUILDS",
    "Cohort",
    "CovariateDraws",
    "GuildContrast",
    "PopulationSource",
    "ReferencePopulation",
    "StoolTable",
    "TaxaTable",
    "Taxon",
    "generate",
    "guild_contrast",
    "load_reference",
    "load_taxa",
    "read_profiles",
    "read_stool_table",
    "write_example_table",
]

"""From a stool table to people: taxa, guilds, contrasts, a reference population, and cohorts for trials."""

from eubiosis.population.contrast import GuildContrast, guild_contrast
from eubiosis.population.covariates import CovariateDraws
from eubiosis.population.example import example_table, write_example_table
from eubiosis.population.generate import Cohort, generate
from eubiosis.population.reference import ReferencePopulation, load_reference
from eubiosis.population.source import PopulationSource
from eubiosis.population.stool.table import StoolTable, read_profiles, read_stool_table
from eubiosis.population.taxa import GUILDS, TaxaTable, Taxon, load_taxa
from eubiosis.population.virtual.describe import describe
from eubiosis.population.virtual.fit import fit_generator
from eubiosis.population.virtual.generator import Generator
from eubiosis.population.virtual.made import MadeTable
from eubiosis.population.virtual.privacy import check_export
from eubiosis.population.virtual.reference import reference_people

__all__ = [
    "GUILDS",
    "Cohort",
    "CovariateDraws",
    "Generator",
    "GuildContrast",
    "MadeTable",
    "PopulationSource",
    "ReferencePopulation",
    "StoolTable",
    "TaxaTable",
    "Taxon",
    "check_export",
    "describe",
    "example_table",
    "fit_generator",
    "generate",
    "guild_contrast",
    "load_reference",
    "load_taxa",
    "read_profiles",
    "read_stool_table",
    "reference_people",
    "write_example_table",
]

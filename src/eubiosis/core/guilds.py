"""The 14 resident guilds of the gut, in the order of every table and array."""

from __future__ import annotations

GUILD_NAMES = {
    "BAC": "Bacteroides and kin",
    "PRV": "Prevotella",
    "AKK": "Akkermansia",
    "RUM": "Ruminococcus and kin",
    "BIF": "Bifidobacterium",
    "LAC": "lactate producers",
    "FAE": "Faecalibacterium",
    "ROS": "Roseburia and kin",
    "ANA": "Anaerostipes and kin",
    "VEI": "Veillonella and kin",
    "BLA": "Blautia, Dorea",
    "MET": "methanogens",
    "ENT": "Enterobacteria",
    "CLO": "other clostridia",
}
GUILDS = tuple(GUILD_NAMES)

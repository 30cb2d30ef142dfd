"""Rosenbrock methods: their coefficients, in the form that needs one linear solve and no product a stage.

With W = I / (gamma h) - J, stage s solves W k_s = f(t + alpha_s h, y + sum_j a_sj k_j)
+ sum_j (c_sj / h) k_j + h d_s df/dt; the step ends at the last stage's argument plus the last k, and the last
k is the error estimate. Between the ends, with u = 1 - x, y(x) = u y0 + x (y1 + u (D_0 + x (D_1 + x D_2)))
with D_r = sum_j dense_rj k_j.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tableau:
    """One method; rows of ``a`` and ``c`` are ragged (stage s has s entries, from 0)."""

    name: str
    order: int
    gamma: float
    a: tuple[tuple[float, ...], ...]
    c: tuple[tuple[float, ...], ...]
    alpha: tuple[float, ...]
    d: tuple[float, ...]
    dense: tuple[tuple[float, ...], ...]

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.alpha)


# Hairer and Wanner (1996), Solving Ordinary Differential Equations II, section IV.7: order 4(3), L-stable,
# stiffly accurate, six stages, dense output of order 3.
RODAS4 = Tableau(
    name="rodas4",
    order=4,
    gamma=0.25,
    a=(
        (),
        (1.544,),
        (0.9466785280815826, 0.2557011698983284),
        (3.314825187068521, 2.896124015972201, 0.9986419139977817),
        (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895),
        (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895, 1.0),
    ),
    c=(
        (),
        (-5.6688,),
        (-2.430093356833875, -0.2063599157091915),
        (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
        (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616),
        (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
    ),
    alpha=(0.0, 0.386, 0.21, 0.63, 1.0, 1.0),
    d=(0.25, -0.1043, 0.1035, -0.0362, 0.0, 0.0),
    dense=(
        (10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662),
        (-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872),
    ),
)

_LAST = (-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256)

# Steinebach (2023), Construction of Rosenbrock-Wanner method Rodas5P and numerical benchmarks within the
# Julia differential equations package, BIT Numerical Mathematics 63:27: order 5(4), L-stable, stiffly
# accurate, eight stages, dense output of order 4.
RODAS5P = Tableau(
    name="rodas5p",
    order=5,
    gamma=0.21193756319429014,
    a=(
        (),
        (3.0,),
        (2.849394379747939, 0.45842242204463923),
        (-6.954028509809101, 2.489845061869568, -10.358996098473584),
        (2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641),
        (*_LAST, 0.030198172008377946),
        (*_LAST, 0.030198172008377946, 1.0),
        (*_LAST, 0.030198172008377946, 1.0, 1.0),
    ),
    c=(
        (),
        (-14.155112264123755,),
        (-17.97296035885952, -2.859693295451294),
        (147.12150275711716, -1.41221402718213, 71.68940251302358),
        (165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306),
        (24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471),
        (
            30.91273214028599,
            -3.1208243349937974,
            77.79954646070892,
            34.28646028294783,
            -19.097331116725623,
            -28.087943162872662,
        ),
        (
            37.80277123390563,
            -3.2571969029072276,
            112.26918849496327,
            66.9347231244047,
            -40.06618937091002,
            -54.66780262877968,
            -9.48861652309627,
        ),
    ),
    alpha=(
        0.0,
        0.6358126895828704,
        0.4095798393397535,
        0.9769306725060716,
        0.4288403609558664,
        1.0,
        1.0,
        1.0,
    ),
    d=(
        0.21193756319429014,
        -0.42387512638858027,
        -0.3384627126235924,
        1.8046452872882734,
        2.325825639765069,
        0.0,
        0.0,
        0.0,
    ),
    dense=(
        (
            25.948786856663858,
            -2.5579724845846235,
            10.433815404888879,
            -2.3679251022685204,
            0.524948541321073,
            1.1241088310450404,
            0.4272876194431874,
            -0.17202221070155493,
        ),
        (
            -9.91568850695171,
            -0.9689944594115154,
            3.0438037242978453,
            -24.495224566215796,
            20.176138334709044,
            15.98066361424651,
            -6.789040303419874,
            -6.710236069923372,
        ),
        (
            11.419903575922262,
            2.8879645146136994,
            72.92137995996029,
            80.12511834622643,
            -52.072871366152654,
            -59.78993625266729,
            -0.15582684282751913,
            4.883087185713722,
        ),
    ),
)


@dataclass(frozen=True)
class Explicit:
    """An explicit Runge-Kutta pair whose last stage stands at the step's end, with its weights as its row.

    ``c``, ``a``: times and ragged rows; ``error``: weights of the error estimate; ``dense`` as in a Tableau,
    of the stage's rates times the step.
    """

    name: str
    order: int
    c: tuple[float, ...]
    a: tuple[tuple[float, ...], ...]
    error: tuple[float, ...]
    dense: tuple[tuple[float, ...], ...]

    @property
    def stages(self) -> int:
        """Number of stages."""
        return len(self.c)


_B = (
    0.09646076681806523,
    0.01,
    0.4798896504144996,
    1.379008574103742,
    -3.290069515436081,
    2.324710524099774,
)
# what the interpolation adds to the cubic one, times x^2 (1 - x)^2
_QUARTIC = (
    -1.0530884977290216,
    0.1017,
    2.490627285651253,
    -16.548102889244903,
    47.37952196281928,
    -34.870657861496610,
    2.5,
)


def _dense_of(b: tuple[float, ...], quartic: tuple[float, ...]) -> tuple[tuple[float, ...], ...]:
    """Return the dense output that meets values and rates at both ends and has these quartic terms."""
    ends, first = (*b, 0.0), (1.0, *(0.0,) * len(b))
    last = first[::-1]
    zeroth = tuple(f - w for f, w in zip(first, ends, strict=True))
    linear = tuple(2 * w - f - e + q for w, f, e, q in zip(ends, first, last, quartic, strict=True))
    return zeroth, linear, tuple(-q for q in quartic)


# Tsitouras (2011), Runge-Kutta pairs of order 5(4) satisfying only the first column simplifying assumption,
# Computers & Mathematics with Applications 62:770: seven stages, dense output of order 4.
TSIT5 = Explicit(
    name="tsit5",
    order=5,
    c=(0.0, 0.161, 0.327, 0.9, 0.9800255409045097, 1.0, 1.0),
    a=(
        (),
        (0.161,),
        (-0.008480655492356989, 0.335480655492357),
        (2.8971530571054935, -6.359448489975075, 4.3622954328695815),
        (5.325864828439257, -11.748883564062828, 7.4955393428898365, -0.09249506636175525),
        (
            5.86145544294642,
            -12.92096931784711,
            8.159367898576159,
            -0.071584973281401,
            -0.028269050394068383,
        ),
        _B,
    ),
    error=(
        -0.00178001105222577714,
        -0.0008164344596567469,
        0.007880878010261995,
        -0.1447110071732629,
        0.5823571654525552,
        -0.45808210592918697,
        1 / 66,
    ),
    dense=_dense_of(_B, _QUARTIC),
)

TABLEAUS = {t.name: t for t in (RODAS4, RODAS5P)}

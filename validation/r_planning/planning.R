# Powers and sizes of rpact and pwr for the planning tests; Rscript validation/r_planning/planning.R
suppressMessages({library(rpact); library(pwr)})
out <- list(); add <- function(name, x) out[[name]] <<- x
num <- function(x) as.numeric(x)
one <- getDesignGroupSequential(kMax = 1, alpha = 0.025, beta = 0.2)

# t test with unequal allocation (treated per control 2), and a margin
s <- getSampleSizeMeans(one, alternative = 0.5, stDev = 1, allocationRatioPlanned = 2)
add("means_allocation_2", list(control = num(s$nFixed2), treated = num(s$nFixed1)))
s <- getSampleSizeMeans(one, alternative = 0.05, thetaH0 = -0.3, stDev = 1)
add("means_noninferior", list(total = num(s$nFixed)))
p <- getPowerMeans(one, alternative = c(0.2, 0.5, 0.8), stDev = 1, maxNumberOfSubjects = 60, directionUpper = TRUE)
add("means_power_60", num(p$overallReject))
t2 <- pwr.t2n.test(n1 = 40, n2 = 80, d = 0.5, sig.level = 0.025, alternative = "less")
add("pwr_t2n_40_80", pwr.t2n.test(n1 = 40, n2 = 80, d = 0.5, sig.level = 0.025, alternative = "greater")$power)
add("pwr_paired_d", list(n = pwr.t.test(d = 0.3, power = 0.8, type = "paired")$n))

# shares: superiority, non-inferiority by Farrington and Manning, difference and ratio
rate <- function(...) { s <- getSampleSizeRates(one, ...); list(control = num(s$nFixed2), treated = num(s$nFixed1)) }
add("rates_30_50", rate(pi1 = 0.5, pi2 = 0.3))
add("rates_30_50_allocation_2", rate(pi1 = 0.5, pi2 = 0.3, allocationRatioPlanned = 2))
add("rates_difference_noninferior", rate(pi1 = 0.6, pi2 = 0.6, thetaH0 = -0.15, allocationRatioPlanned = 2))
add("rates_difference_superior_by_margin", rate(pi1 = 0.55, pi2 = 0.3, thetaH0 = 0.05))
add("rates_ratio_noninferior", rate(pi1 = 0.5, pi2 = 0.5, thetaH0 = 0.8, riskRatio = TRUE))
add("rates_ratio_superior", rate(pi1 = 0.5, pi2 = 0.3, riskRatio = TRUE))

# times
surv <- function(...) { s <- getSampleSizeSurvival(one, ...); list(total = num(s$nFixed), events = num(s$eventsFixed)) }
add("survival_margin", surv(hazardRatio = 1, thetaH0 = 1.4, lambda2 = 0.5, accrualTime = c(0, 1), followUpTime = 2))
add("survival_allocation_2", surv(hazardRatio = 0.6, lambda2 = 0.3, accrualTime = c(0, 1), followUpTime = 2,
  allocationRatioPlanned = 2))

# group-sequential: means, rates; expected sizes under null, half and planned effect
gs <- function(design, fun, ...) {
  s <- fun(design, ...)
  list(fixed = num(s$nFixed), largest = num(s$maxNumberOfSubjects), h0 = num(s$expectedNumberOfSubjectsH0),
    h01 = num(s$expectedNumberOfSubjectsH01), h1 = num(s$expectedNumberOfSubjectsH1),
    critical = num(design$criticalValues))
}
obf <- getDesignGroupSequential(kMax = 2, alpha = 0.025, beta = 0.1, typeOfDesign = "asOF", informationRates = c(0.5, 1))
add("gs_means_asOF", gs(obf, getSampleSizeMeans, alternative = 0.5, stDev = 1, normalApproximation = TRUE))
poc <- getDesignGroupSequential(kMax = 3, alpha = 0.025, beta = 0.2, typeOfDesign = "asP", informationRates = c(0.4, 0.7, 1))
add("gs_rates_asP", gs(poc, getSampleSizeRates, pi1 = 0.5, pi2 = 0.3))
fut <- getDesignGroupSequential(kMax = 3, alpha = 0.025, beta = 0.2, typeOfDesign = "asHSD", gammaA = -4,
  typeBetaSpending = "bsHSD", gammaB = -2, informationRates = c(0.33, 0.67, 1))
add("gs_rates_futility", gs(fut, getSampleSizeRates, pi1 = 0.5, pi2 = 0.3))

# exact binomials behind the pilot's rules
add("pbinom", list(ge23_of_30_at_06 = pbinom(22, 30, 0.6, lower.tail = FALSE), le21_at_085 = pbinom(21, 30, 0.85),
  ge3_of_30_at_015 = pbinom(2, 30, 0.15, lower.tail = FALSE), cp_0_of_30 = binom.test(0, 30, alternative = "less")$conf.int[2],
  cp_2_of_30 = binom.test(2, 30, alternative = "less")$conf.int[2]))
add("truncated_normal", list(mills = dnorm((38 - 41) / 19.7) / pnorm((38 - 41) / 19.7, lower.tail = FALSE)))
out$versions <- list(R = R.version.string, rpact = as.character(packageVersion("rpact")), pwr = as.character(packageVersion("pwr")))
# plain JSON without a package
js <- function(x) if (is.list(x)) paste0("{", paste0('"', names(x), '": ', vapply(x, js, ""), collapse = ",\n  "), "}") else
  if (is.character(x)) paste0('"', x, '"') else if (length(x) == 1) format(x, digits = 12) else paste0("[", paste(format(x, digits = 12), collapse = ", "), "]")
cat(js(out), "\n")

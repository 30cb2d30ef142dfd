# Numbers of R for data sets drawn by compare.py. One function per method; each returns a named list.
# Usage: Rscript methods.R input.json output.json
suppressPackageStartupMessages({
  library(jsonlite); library(survival); library(MASS); library(sandwich); library(nlme)
  library(lme4); library(lmerTest); library(pbkrtest); library(vegan); library(metafor); library(mice); library(rpact)
})
num <- function(x) { x <- as.numeric(unlist(x)); x[!is.finite(x)] <- NA; x }
frame <- function(d, names) {
  f <- as.data.frame(lapply(d[names], function(col) { if (is.character(col)) col else as.numeric(col) }))
  if ("arm" %in% names) f$arm <- relevel(factor(f$arm), ref = d$control)
  f
}
pick <- function(coefs, d) { name <- paste0("arm", d$treated); if (name %in% rownames(coefs)) coefs[name, ] else rep(NA, ncol(coefs)) }

m <- list()
m$least_squares <- function(d) {
  row <- pick(coef(summary(lm(outcome ~ arm + base, frame(d, c("outcome", "arm", "base"))))), d)
  list(estimate = row[1], se = row[2], p = row[4])
}
m$sandwich <- function(d) {
  fit <- lm(outcome ~ arm + base, frame(d, c("outcome", "arm", "base")))
  name <- paste0("arm", d$treated)
  v <- vcovHC(fit, "HC3")
  if (!(name %in% rownames(v))) return(list(estimate = NA, se = NA, p = NA))
  est <- coef(fit)[[name]]; se <- sqrt(v[name, name])
  list(estimate = est, se = se, p = 2 * pt(-abs(est / se), fit$df.residual))
}
m$negative_binomial <- function(d) {
  f <- frame(d, c("counts", "years", "arm", "prior"))
  fit <- glm.nb(counts ~ arm + prior + offset(log(years)), f, control = glm.control(epsilon = 1e-12, maxit = 200))
  row <- pick(coef(summary(fit)), d)
  list(estimate = row[1], se = row[2], theta = fit$theta)
}
m$poisson_robust <- function(d) {
  f <- frame(d, c("counts", "years", "arm", "prior"))
  fit <- glm(counts ~ arm + prior + offset(log(years)), poisson, f, control = glm.control(epsilon = 1e-14, maxit = 100))
  name <- paste0("arm", d$treated); v <- sandwich(fit)
  est <- coef(fit)[[name]]; se <- sqrt(v[name, name])
  list(estimate = est, se = se, p = 2 * pnorm(-abs(est / se)))
}
m$logistic <- function(d) {
  f <- frame(d, c("event", "arm", "age"))
  fit <- glm(event ~ arm + age, binomial, f, control = glm.control(epsilon = 1e-14, maxit = 100))
  row <- pick(coef(summary(fit)), d)
  one <- f; one$arm[] <- d$treated; other <- f; other$arm[] <- d$control
  list(estimate = row[1], se = row[2], log_likelihood = as.numeric(logLik(fit)),
       difference = mean(predict(fit, one, type = "response")) - mean(predict(fit, other, type = "response")))
}
cox <- function(d, ties, strata = FALSE) {
  f <- frame(d, c("time", "event", "arm", "age", "site"))
  form <- if (strata) Surv(time, event) ~ arm + age + strata(site) else Surv(time, event) ~ arm + age
  fit <- coxph(form, f, ties = ties, control = coxph.control(eps = 1e-11, iter.max = 60))
  row <- pick(coef(summary(fit)), d)
  if (is.na(row[1])) row[] <- NA
  list(estimate = row[1], se = row[3], p = row[5])
}
m$cox_efron <- function(d) cox(d, "efron")
m$cox_breslow <- function(d) cox(d, "breslow")
m$cox_exact <- function(d) cox(d, "exact")
m$cox_strata <- function(d) cox(d, "efron", TRUE)
m$log_rank <- function(d) {
  f <- frame(d, c("time", "event", "arm", "site"))
  a <- survdiff(Surv(time, event) ~ arm, f); b <- survdiff(Surv(time, event) ~ arm, f, rho = 1)
  s <- survdiff(Surv(time, event) ~ arm + strata(site), f)
  list(plain = a$chisq, plain_p = a$pvalue, weighted = b$chisq, weighted_p = b$pvalue, strata = s$chisq, strata_p = s$pvalue)
}
m$kaplan_meier <- function(d) {
  f <- frame(d, c("time", "event"))
  fit <- survfit(Surv(time, event) ~ 1, f)
  at <- summary(fit, times = median(f$time))
  list(median = summary(fit)$table[["median"]], survival = at$surv, error = at$std.err)
}
m$lwyy <- function(d) {
  f <- frame(d, c("participant", "start", "stop", "event", "arm"))
  fit <- coxph(Surv(start, stop, event) ~ arm, f, cluster = participant, control = coxph.control(eps = 1e-11, iter.max = 60))
  row <- pick(coef(summary(fit)), d)
  list(estimate = row[1], se = row[4], p = row[6])
}
m$kenward_roger <- function(d) {
  f <- frame(d, c("cluster", "outcome", "arm")); f$cluster <- factor(f$cluster)
  fit <- lmer(outcome ~ arm + (1 | cluster), f, control = lmerControl(optCtrl = list(ftol_abs = 1e-14, xtol_abs = 1e-14)))
  v <- vcovAdj(fit); name <- paste0("arm", d$treated); contrast <- as.numeric(names(fixef(fit)) == name)
  df <- Lb_ddf(contrast, as.matrix(vcov(fit)), v)
  est <- fixef(fit)[[name]]; se <- sqrt(v[contrast == 1, contrast == 1])
  list(estimate = est, se = se, df = df, p = 2 * pt(-abs(est / se), df))
}
m$crossover_mixed <- function(d) {
  f <- frame(d, c("participant", "period", "outcome", "arm"))
  f$sequence <- factor(ave(as.numeric(f$arm == d$treated) * (f$period == 1), f$participant, FUN = max))
  f$period <- factor(f$period); f$participant <- factor(f$participant)
  fit <- lmer(outcome ~ arm + period + sequence + (1 | participant), f, control = lmerControl(optCtrl = list(ftol_abs = 1e-14, xtol_abs = 1e-14)))
  row <- pick(coef(summary(fit)), d)
  list(estimate = row[1], se = row[2], df = row[3], p = row[5])
}
m$unstructured <- function(d) {
  f <- frame(d, c("participant", "visit", "outcome", "arm", "base")); f <- f[!is.na(f$outcome), ]
  f$place <- as.integer(factor(f$visit)); f$when <- factor(f$visit)
  fit <- gls(outcome ~ when + when:arm + base - 1, f, correlation = corSymm(form = ~ place | participant),
             weights = varIdent(form = ~ 1 | place), control = glsControl(opt = "optim", maxIter = 500, msMaxIter = 500, tolerance = 1e-9), method = "REML")
  name <- paste0("when", max(f$visit), ":arm", d$treated)
  row <- coef(summary(fit))[name, ]
  list(estimate = row[1], se = row[2], log_likelihood = as.numeric(logLik(fit)))
}
m$permanova <- function(d) {
  table <- matrix(unlist(d$table), ncol = ncol(d$table)); group <- factor(d$group)
  a <- adonis2(vegdist(table) ~ group, permutations = 1)
  list(f = a$F[1], share = a$R2[1])
}
m$dispersion <- function(d) {
  table <- matrix(unlist(d$table), ncol = ncol(d$table)); group <- factor(d$group)
  b <- betadisper(vegdist(table), group)
  means <- as.list(b$group.distances); names(means) <- paste0("mean_", names(b$group.distances))
  c(list(f = anova(b)$`F value`[1]), means)
}
m$diversity <- function(d) {
  table <- matrix(unlist(d$table), ncol = ncol(d$table))
  h <- diversity(table); s <- specnumber(table)
  list(shannon = mean(h), simpson = mean(diversity(table, "simpson")), richness = mean(s),
       evenness = if (any(s > 1)) mean((h / log(s))[s > 1]) else NA)
}
m$rubin <- function(d) {
  p <- pool.scalar(num(d$q), num(d$u), n = d$freedom + 1, k = 1)
  list(estimate = p$qbar, total = p$t, df = p$df, fmi = p$fmi)
}
m$adjusted <- function(d) {
  p <- num(d$p); kinds <- if (anyNA(p)) c("BH", "BY") else c("holm", "hochberg", "hommel", "bonferroni", "BH", "BY")
  sapply(kinds, function(k) sum(p.adjust(p, k), na.rm = TRUE), simplify = FALSE)
}
tight <- list(threshold = 1e-12, maxiter = 10000, tol = 1e-12)
meta <- function(d, method) {
  con <- if (method %in% c("ML", "REML")) tight[1:2] else if (method == "PM") tight[3] else list()
  y <- num(d$y); v <- num(d$v)
  a <- rma(y, v, method = method, control = con); b <- rma(y, v, method = method, test = "knha", control = con)
  list(tau2 = a$tau2, estimate = as.numeric(a$b), se = a$se, i2 = a$I2, q = a$QE, kh_se = b$se, kh_p = b$pval)
}
for (name in c("DL", "HE", "HS", "SJ", "ML", "REML", "PM", "FE")) local({ k <- name; m[[paste0("meta_", k)]] <<- function(d) meta(d, k) })
m$meta_regression <- function(d) {
  a <- rma(num(d$y), num(d$v), mods = num(d$x), control = tight[1:2])
  list(tau2 = a$tau2, slope = a$beta[2], se = a$se[2])
}
m$funnel <- function(d) {
  a <- rma(num(d$y), num(d$v), method = "DL")
  e <- regtest(a, model = "lm"); b <- suppressWarnings(ranktest(a))
  found <- list(egger = e$zval, egger_p = e$pval, begg = as.numeric(b$tau), begg_p = b$pval)
  t <- tryCatch(trimfill(a), error = function(err) NULL)
  if (is.null(t)) c(found, list(added = NA)) else c(found, list(added = t$k0, filled_estimate = as.numeric(t$b)))
}
mh <- function(d, measure) {
  a <- rma.mh(ai = num(d$a), n1i = num(d$n1), ci = num(d$c), n2i = num(d$n2), measure = measure)
  list(estimate = as.numeric(a$b), se = a$se, q = a$QE)
}
m$mantel_haenszel_or <- function(d) mh(d, "OR")
m$mantel_haenszel_rr <- function(d) mh(d, "RR")
m$peto <- function(d) {
  a <- rma.peto(ai = num(d$a), n1i = num(d$n1), ci = num(d$c), n2i = num(d$n2))
  list(estimate = as.numeric(a$b), se = a$se, q = a$QE)
}
m$table_tests <- function(d) {
  a <- num(d$a); n1 <- num(d$n1); c <- num(d$c); n2 <- num(d$n2)
  strata <- array(rbind(a, c, n1 - a, n2 - c), c(2, 2, length(a)))
  t <- tryCatch({ w <- mantelhaen.test(strata, correct = TRUE); list(w$statistic, w$p.value) }, error = function(err) list(NA, NA))
  # below half an event R stops correcting, metafor corrects past zero and Eubiosis corrects to zero: not compared
  if (abs(sum(a - n1 * (a + c) / (n1 + n2))) < 0.5) t <- list(NA, NA)
  r <- tryCatch({ x <- rma.mh(ai = a, n1i = n1, ci = c, n2i = n2, measure = "OR"); list(x$TA, x$TAp) }, error = function(err) list(NA, NA))
  list(cmh = t[[1]], cmh_p = t[[2]], tarone = r[[1]], tarone_p = r[[2]])
}
m$three_level <- function(d) {
  f <- data.frame(y = num(d$y), v = num(d$v), cluster = factor(unlist(d$cluster))); f$row <- factor(seq_len(nrow(f)))
  a <- rma.mv(y, v, random = ~ 1 | cluster / row, data = f, control = list(rel.tol = 1e-10))
  list(estimate = as.numeric(a$b), se = a$se, log_likelihood = as.numeric(logLik(a)))
}
m$group_sequential <- function(d) {
  args <- list(kMax = length(d$information), alpha = 0.025, sided = 1, typeOfDesign = d$rule, informationRates = num(d$information))
  if (d$rule %in% c("asHSD", "asKD")) args$gammaA <- d$parameter
  z <- do.call(getDesignGroupSequential, args)$criticalValues
  as.list(setNames(z, paste0("z", seq_along(z) - 1)))
}

run <- function(f, d) {
  said <- character()
  found <- tryCatch(withCallingHandlers(f(d), warning = function(w) { said <<- c(said, conditionMessage(w)); invokeRestart("muffleWarning") },
                                        message = function(w) { said <<- c(said, conditionMessage(w)); invokeRestart("muffleMessage") }),
                    error = function(e) list(failed = conditionMessage(e)))
  found <- lapply(found, function(x) if (is.character(x)) x else { x <- as.numeric(x)[1]; if (is.finite(x)) x else NA })
  if (length(said)) found$said <- paste(unique(said), collapse = "; ")
  found
}
paths <- commandArgs(TRUE)
input <- fromJSON(paths[1], simplifyVector = FALSE)
plain <- function(d) lapply(d, function(col) {
  if (!is.list(col)) return(col)
  if (length(col) && is.list(col[[1]])) return(do.call(rbind, lapply(col, function(r) as.numeric(unlist(r)))))
  col[vapply(col, is.null, TRUE)] <- NA
  unlist(col)
})
out <- list()
for (name in names(input)) out[[name]] <- lapply(input[[name]], function(d) run(m[[name]], plain(d)))
packages <- c("metafor", "survival", "lme4", "lmerTest", "pbkrtest", "vegan", "MASS", "mice", "rpact", "nlme", "sandwich")
versions <- c(list(R = as.character(getRversion())), sapply(packages, function(p) as.character(packageVersion(p)), simplify = FALSE))
writeLines(toJSON(list(results = out, versions = versions), auto_unbox = TRUE, digits = NA, na = "null", null = "null"), paths[2])

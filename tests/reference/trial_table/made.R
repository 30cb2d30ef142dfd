# Remake r_numbers.json: Rscript made.R (in this folder). The CSV is that of docs/how_to/analyse_a_trial.md.
# nlme: mixed model (errors of the covariance taken as known); MASS: negative binomial; survival: Cox.
suppressMessages({library(nlme); library(MASS); library(survival)})
num <- function(x) paste0("[", paste(sprintf("%.10g", x), collapse = ", "), "]")
d <- read.csv("made.csv")
d$mfis[d$mfis == 99] <- NA
d$arm <- relevel(factor(d$arm), ref = "Placebo")
out <- list()
base <- d[d$visit == "Baseline", c("id", "mfis", "propionate")]
names(base) <- c("id", "mfis0", "prop0")
long <- merge(d[d$visit != "Baseline", ], base)
fit <- long[!is.na(long$mfis) & !is.na(long$mfis0), ]
fit$visit <- factor(fit$visit); fit$time <- as.integer(fit$visit)
fit <- fit[order(fit$id, fit$time), ]
g <- gls(mfis ~ 0 + visit + visit:arm + visit:mfis0 + age + sex, fit, method = "REML",
         correlation = corSymm(form = ~ time | id), weights = varIdent(form = ~ 1 | visit),
         control = glsControl(tolerance = 1e-10, msTol = 1e-12, maxIter = 500, msMaxIter = 500))
take <- c("visitWeek 48:armInulin 12 g/day", "visitWeek 48:armPropionate")
out[["mmrm"]] <- c(coef(g)[take], sqrt(diag(vcov(g)))[take])
w48 <- long[long$visit == "Week 48", ]
a <- summary(lm(mfis ~ arm + mfis0 + age + sex, w48))$coefficients[2:3, 1:2]
out[["ancova"]] <- c(a[, 1], a[, 2])
w12 <- long[long$visit == "Week 12", ]
p <- summary(lm(log(propionate) ~ arm + log(prop0), w12))$coefficients[2:3, ]
out[["geometric"]] <- c(exp(p[, 1]), p[, 2], p[, 4])
r <- d[d$last == "yes", ]
q <- summary(glm(relapses ~ arm + offset(log(years)), poisson, r, control = list(epsilon = 1e-14)))$coefficients[2:3, ]  # no overdispersion
out[["poisson"]] <- c(exp(q[, 1]), q[, 2])
w48$event <- as.integer(w48$mfis <= 30)
b <- glm(event ~ arm + mfis0, binomial, w48[!is.na(w48$event) & !is.na(w48$mfis0), ], control = list(epsilon = 1e-14))
one <- function(name) { x <- model.frame(b); x$arm <- factor(name, levels = levels(d$arm)); m <- model.matrix(formula(b), x)
  k <- plogis(m %*% coef(b)); list(mean(k), colMeans(m * as.vector(k * (1 - k)))) }
c0 <- one("Placebo"); c1 <- one("Inulin 12 g/day"); gr <- c1[[2]] - c0[[2]]
out[["risk"]] <- c(c1[[1]] - c0[[1]], sqrt(t(gr) %*% vcov(b) %*% gr))
# errors of the full information, the dispersion being estimated (MASS holds it): Hessian by differences
full <- function(m, name) {
  x <- model.matrix(m); y <- m$y; k <- ncol(x)
  f <- function(p) -sum(dnbinom(y, size = exp(p[k + 1]), mu = exp(x %*% p[1:k]), log = TRUE))
  h <- optimHess(c(coef(m), log(m$theta)), f, control = list(ndeps = rep(1e-4, k + 1)))
  c(coef(m)[[name]], sqrt(diag(solve(h)))[[which(colnames(x) == name)]]) }
tight <- glm.control(epsilon = 1e-12, maxit = 200)
out[["quine"]] <- full(glm.nb(Days ~ Sex + Age + Eth + Lrn, quine, control = tight), "EthN")
epil$trt <- relevel(epil$trt, "placebo")
last <- epil[epil$period == 4, ]
last$lage <- log(last$age) - mean(log(last$age)); last$lbase <- log(last$base) - mean(log(last$base))
out[["epil"]] <- full(glm.nb(y ~ trt + lbase + lage, last, control = tight), "trtprogabide")
versions <- sapply(c("nlme", "MASS", "survival"), function(x) as.character(packageVersion(x)))
lines <- c(paste0('  "', names(out), '": ', sapply(out, num)),
           sprintf('  "software": {"R": "%s", "nlme": "%s", "MASS": "%s", "survival": "%s"}',
                   paste(R.version$major, R.version$minor, sep = "."), versions[1], versions[2], versions[3]))
writeLines(c("{", paste(lines, collapse = ",\n"), "}"), "r_numbers.json")

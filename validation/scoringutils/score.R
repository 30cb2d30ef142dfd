# Scores of the sealed forecasts on made numbers, by the functions of scoringutils themselves.
#   Rscript score.R HUB SOURCES > expected.csv
# HUB is a folder of sealed forecasts, SOURCES the folder R/ of scoringutils (or "" with the package installed).
arguments <- commandArgs(trailingOnly = TRUE)
suppressPackageStartupMessages({
  library(checkmate)
  library(data.table)
  library(cli)
})
for (file in c("check-input-helpers.R", "helper-quantile-interval-range.R", "metrics-interval-range.R",
               "metrics-quantile.R")) {
  source(file.path(arguments[2], file))
}
made <- fread("made_values.csv")
rows <- list()
for (model in c("eubiosis-evidence", "eubiosis-reference")) {
  path <- Sys.glob(file.path(arguments[1], "model-output", model, "*.csv"))[1]
  table <- fread(path)
  for (k in seq_len(nrow(made))) {
    own <- table[table$target == made$target[k] & table$trial == made$trial[k]]
    setorder(own, output_type_id)
    p <- own$output_type_id
    q <- matrix(own$value, nrow = 1)
    y <- made$oracle_value[k]
    parts <- wis(y, q, p, separate_results = TRUE)
    rows[[length(rows) + 1]] <- data.frame(
      model = model, target = made$target[k], trial = made$trial[k], wis = parts$wis,
      dispersion = parts$dispersion, overprediction = parts$overprediction,
      underprediction = parts$underprediction, bias = bias_quantile(y, q, p),
      quantile_score = quantile_score(y, q, p),
      inside_50 = interval_coverage(y, q, p, 50), inside_80 = interval_coverage(y, q, p, 80),
      inside_90 = interval_coverage(y, q, p, 90), inside_95 = interval_coverage(y, q, p, 95)
    )
  }
}
options(digits = 17)
write.csv(do.call(rbind, rows), row.names = FALSE, quote = FALSE)

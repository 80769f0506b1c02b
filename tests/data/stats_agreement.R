# The R side of tests/data/stats_agreement.py: reads its data sets, prints "ID name value".
# Packages: pROC, rms, metafor. Obuchowski's clustered variance is written out here from its definition, over all
# pairs, since no Debian package has it.
args <- commandArgs(trailingOnly = TRUE)
suppressMessages({library(pROC); library(rms); library(metafor)})
out <- file(args[2], "w")
put <- function(id, name, value) {
  value <- suppressWarnings(as.numeric(value))
  if (length(value) != 1 || is.na(value)) return(invisible())
  writeLines(sprintf("%s %s %.17g", id, name, value), out)
}
quiet <- function(expr) tryCatch(suppressWarnings(suppressMessages(expr)), error = function(e) NULL)

placements <- function(y, s) {
  pos <- s[y == 1]; neg <- s[y == 0]
  win <- outer(pos, neg, ">") + 0.5 * outer(pos, neg, "==")
  list(auc = mean(win), v10 = rowMeans(win), v01 = colMeans(win))
}
obuchowski <- function(y, cl, p, q) {
  m <- sum(y == 1); n <- sum(y == 0); ids <- unique(cl)
  parts <- function(r) list(
    x = sapply(ids, function(i) sum((r$v10 - r$auc)[cl[y == 1] == i])),
    y = sapply(ids, function(i) sum((r$v01 - r$auc)[cl[y == 0] == i])))
  a <- parts(p); b <- parts(q)
  i10 <- length(unique(cl[y == 1])); i01 <- length(unique(cl[y == 0])); i <- length(ids)
  s10 <- i10 / ((i10 - 1) * m) * sum(a$x * b$x)
  s01 <- i01 / ((i01 - 1) * n) * sum(a$y * b$y)
  s11 <- i / (i - 1) * (sum(a$x * b$y) + sum(b$x * a$y))
  s10 / m + s01 / n + s11 / (m * n)
}

roc_part <- function(id, d) {
  ra <- quiet(roc(d$y, d$a, levels = c(0, 1), direction = "<"))
  rb <- quiet(roc(d$y, d$b, levels = c(0, 1), direction = "<"))
  if (is.null(ra)) return(invisible())
  ca <- quiet(ci.auc(ra)); cb <- quiet(ci.auc(rb))
  put(id, "auc_a", auc(ra)); put(id, "auc_b", auc(rb))
  if (!is.null(ca)) { put(id, "auc_a.lower", ca[1]); put(id, "auc_a.upper", ca[3]) }
  if (!is.null(cb)) { put(id, "auc_b.lower", cb[1]); put(id, "auc_b.upper", cb[3]) }
  put(id, "auc_a.se", sqrt(quiet(pROC::var(ra)))); put(id, "auc_b.se", sqrt(quiet(pROC::var(rb))))
  put(id, "auc_cov", quiet(pROC::cov(ra, rb)))
  t <- quiet(roc.test(ra, rb, method = "delong", paired = TRUE, conf.level = 0.95))
  if (!is.null(t)) {
    put(id, "paired.stat", t$statistic); put(id, "paired.p", t$p.value)
    # Ours end at -1 and 1, where a difference of AUROCs ends.
    if (!is.null(t$conf.int)) {
      put(id, "paired.lower", max(-1, t$conf.int[1])); put(id, "paired.upper", min(1, t$conf.int[2]))
    }
  }
  t <- quiet(roc.test(ra, rb, method = "delong", paired = FALSE))
  if (!is.null(t)) {
    put(id, "unpaired.stat", t$statistic); put(id, "unpaired.p", t$p.value); put(id, "unpaired.df", t$parameter)
  }
  p <- placements(d$y, d$a); q <- placements(d$y, d$b)
  put(id, "clustered_a.se", sqrt(obuchowski(d$y, d$cluster, p, p)))
  put(id, "clustered_b.se", sqrt(obuchowski(d$y, d$cluster, q, q)))
  put(id, "clustered_cov", obuchowski(d$y, d$cluster, p, q))
}

proportion_part <- function(id, name, k, n) {
  if (n == 0) return(invisible())
  w <- quiet(prop.test(k, n, correct = FALSE)); e <- binom.test(k, n)
  put(id, paste0(name, ".wilson_lower"), w$conf.int[1]); put(id, paste0(name, ".wilson_upper"), w$conf.int[2])
  put(id, paste0(name, ".exact_lower"), e$conf.int[1]); put(id, paste0(name, ".exact_upper"), e$conf.int[2])
}

calibration_part <- function(id, d) {
  v <- if (length(unique(d$a)) > 1) quiet(val.prob(d$a, d$y, pl = FALSE))
  saturated <- any(d$a == 0 | d$a == 1)
  if (!is.null(v)) {
    put(id, "spiegelhalter.stat", v["S:z"]); put(id, "spiegelhalter.p", v["S:p"])
    put(id, "val_eavg", v["Eavg"]); put(id, "val_e90", v["E90"]); put(id, "val_emax", v["Emax"])
    if (!saturated) { put(id, "val_r2", v["R2"]); put(id, "val_d", v["D"]) }
  }
  if (saturated || length(unique(d$y)) < 2) return(invisible())
  ctl <- glm.control(epsilon = 1e-14, maxit = 100)
  lp <- qlogis(d$a)
  g <- quiet(glm(y ~ lp, family = binomial, data = d, control = ctl))
  if (!is.null(g) && g$converged && length(unique(lp)) > 1) {
    s <- summary(g)$coefficients
    put(id, "cal_intercept", s[1, 1]); put(id, "cal_intercept.se", s[1, 2])
    put(id, "cal_slope", s[2, 1]); put(id, "cal_slope.se", s[2, 2])
    # val.prob's own U and Q come from lrm.fit, which stops at a change of 0.025 in the deviance.
    u <- (-2 * sum(d$y * lp - log1p(exp(lp))) - deviance(g) - 2) / nrow(d)
    put(id, "val_u", u)
    if (!is.null(v)) put(id, "val_q", v["D"] - u)
  }
  g <- quiet(glm(y ~ 1 + offset(lp), family = binomial, data = d, control = ctl))
  if (!is.null(g) && g$converged) {
    s <- summary(g)$coefficients
    put(id, "cal_large", s[1, 1]); put(id, "cal_large.se", s[1, 2])
  }
}

regression_part <- function(id, d) {
  l <- quiet(summary(lm(b ~ a, data = d)))
  if (!is.null(l) && nrow(l$coefficients) == 2) {
    s <- l$coefficients
    put(id, "intercept", s[1, 1]); put(id, "intercept.se", s[1, 2])
    put(id, "slope", s[2, 1]); put(id, "slope.se", s[2, 2])
  }
  put(id, "bias.se", sd(d$b - d$a) / sqrt(nrow(d)))
  p <- quiet(cor.test(d$a, d$b))
  if (!is.null(p) && is.finite(p$estimate)) {
    put(id, "pearson", p$estimate); put(id, "pearson.stat", p$statistic); put(id, "pearson.p", p$p.value)
    if (!is.null(p$conf.int)) { put(id, "pearson.lower", p$conf.int[1]); put(id, "pearson.upper", p$conf.int[2]) }
    put(id, "spearman", quiet(cor(d$a, d$b, method = "spearman")))
    k <- quiet(cor.test(d$a, d$b, method = "kendall", exact = FALSE))
    put(id, "kendall", k$estimate); put(id, "kendall.stat", k$statistic); put(id, "kendall.p", k$p.value)
  }
}

set_part <- function(id, d) {
  roc_part(id, d)
  call <- d$a >= 0.5; other <- d$b >= 0.5
  proportion_part(id, "sensitivity", sum(call & d$y == 1), sum(d$y == 1))
  proportion_part(id, "specificity", sum(!call & d$y == 0), sum(d$y == 0))
  proportion_part(id, "ppv", sum(call & d$y == 1), sum(call))
  proportion_part(id, "npv", sum(!call & d$y == 0), sum(!call))
  m <- quiet(mcnemar.test(table(factor(call, c(FALSE, TRUE)), factor(other, c(FALSE, TRUE)))))
  b <- sum(call & !other); c <- sum(!call & other)
  if (b + c > 0) {
    put(id, "mcnemar.stat", m$statistic); put(id, "mcnemar.p", m$p.value)
    put(id, "mcnemar_exact.p", binom.test(b, b + c)$p.value)
  }
  calibration_part(id, d)
  regression_part(id, d)
}

meta_part <- function(id, d) {
  tight <- list(threshold = 1e-12, tol = 1e-13, maxiter = 2000, tau2.max = 1e7)
  for (m in c("DL", "REML", "ML", "PM", "EB", "SJ", "HE", "HS")) {
    f <- quiet(rma(y, v, data = d, method = m, control = tight))
    if (is.null(f)) next
    put(id, paste0(m, ".tau2"), f$tau2); put(id, paste0(m, ".i2"), f$I2)
    put(id, paste0(m, ".mu"), f$b); put(id, paste0(m, ".se"), f$se); put(id, paste0(m, ".lower"), f$ci.lb)
    put(id, paste0(m, ".pi_z.lower"), predict(f)$pi.lb)
    if (m == "DL") { put(id, "q.stat", f$QE); put(id, "q.p", f$QEp) }
    if (m == "DL") {
      q <- quiet(confint(f, control = list(tol = 1e-13, maxiter = 2000, tau2.max = 1e7)))
      if (!is.null(q)) { put(id, "qprofile.lower", q$random[1, 2]); put(id, "qprofile.upper", q$random[1, 3]) }
    }
    if (m == "REML") {
      e <- quiet(regtest(f, control = tight))
      if (!is.null(e)) { put(id, "egger.stat", e$zval); put(id, "egger.p", e$pval) }
    }
    k <- quiet(rma(y, v, data = d, method = m, test = "knha", control = tight))
    put(id, paste0(m, ".kh.se"), k$se); put(id, paste0(m, ".kh.lower"), k$ci.lb)
    put(id, paste0(m, ".pi_kh.upper"), predict(k)$pi.ub)
  }
  e <- quiet(regtest(d$y, d$v, model = "lm"))
  if (!is.null(e)) { put(id, "egger_classical.stat", e$zval); put(id, "egger_classical.p", e$pval) }
  b <- quiet(ranktest(d$y, d$v))
  if (!is.null(b)) { put(id, "begg_tau", b$tau); put(id, "begg.p", b$pval) }
}

lines <- readLines(args[1])
spent <- c(set = 0, meta = 0)
at <- 1
while (at <= length(lines)) {
  head <- strsplit(lines[at], " ")[[1]]; n <- as.integer(head[3])
  rows <- read.table(text = lines[(at + 1):(at + n)])
  if (head[1] == "set") {
    names(rows) <- c("y", "a", "b", "cluster"); set_part(head[2], rows)
  } else {
    names(rows) <- c("y", "v"); meta_part(head[2], rows)
  }
  at <- at + n + 1
}
close(out)
cat(sprintf("%s, pROC %s, rms %s, Hmisc %s, metafor %s\n", R.version.string, packageVersion("pROC"),
            packageVersion("rms"), packageVersion("Hmisc"), packageVersion("metafor")))

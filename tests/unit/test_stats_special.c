/* Distribution functions against 60-digit values (mpmath 1.2.1) and closed forms. */
#include <string.h>

#include "core/stats/special.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

static const double TOLERANCE = 1e-13;
#define check_digits(value, expected) check_close(value, expected, TOLERANCE)

START_TEST(normal) {
    check_digits(ein_normal_cdf(-1e-5), 0.49999601057719605216);
    check_digits(ein_normal_cdf(-0.5), 0.30853753872598689636);
    check_digits(ein_normal_cdf(-1.96), 0.024997895148220436213);
    check_digits(ein_normal_cdf(-5), 2.8665157187919391167e-7);
    check_digits(ein_normal_cdf(-20), 2.7536241186062336951e-89);
    check_digits(ein_normal_cdf(-37), 5.7255712225245768227e-300);
    check_digits(ein_normal_quantile(1e-300), -37.047096299361199237);
    check_digits(ein_normal_quantile(1e-20), -9.2623400897984075796);
    check_digits(ein_normal_quantile(1e-5), -4.2648907939228246102);
    check_digits(ein_normal_quantile(0.001), -3.0902323061678135354);
    check_digits(ein_normal_quantile(0.025), -1.9599639845400542118);
    check_digits(ein_normal_quantile(0.3), -0.52440051270804081597);
    ck_assert(ein_normal_quantile(0.5) == 0);
    ck_assert(ein_normal_quantile(0.975) == -ein_normal_quantile(1 - 0.975));
    ck_assert(isinf(ein_normal_quantile(0)) && ein_normal_quantile(0) < 0);
    ck_assert(isinf(ein_normal_quantile(1)) && ein_normal_quantile(1) > 0);
}
END_TEST

START_TEST(student) {
    check_digits(ein_t_cdf(-0.1, 0.5), 0.47316581056430320084);
    check_digits(ein_t_cdf(-1.96, 1), 0.15017144588801657468);
    check_digits(ein_t_cdf(-2.5, 3.7), 0.035911011455913386391);
    check_digits(ein_t_cdf(-0.782389946323769, 797.511427965315), 0.21710883881052483555);
    check_digits(ein_t_cdf(-5, 99), 1.2406980065204739119e-6);
    check_digits(ein_t_cdf(-30, 12), 5.8865909535094739814e-13);
    check_digits(ein_t_cdf(-100, 2), 0.000049992501249781289368);
    check_digits(ein_t_quantile(0.025, 1), -12.706204736174703938);
    check_digits(ein_t_quantile(0.025, 2), -4.3026527297494637234);
    check_digits(ein_t_quantile(0.025, 3), -3.1824463052837095204);
    check_digits(ein_t_quantile(0.025, 11), -2.2009851600916398361);
    check_digits(ein_t_quantile(0.975, 12), 2.1788128296672288353);
    check_digits(ein_t_quantile(0.001, 0.5), -102849.11563017554975);
    check_digits(ein_t_quantile(1e-8, 7.3), -25.679425650359134893);
    check_digits(ein_t_quantile(0.4, 797.5), -0.25343163656619081781);
    /* The normal distribution is its limit, reached without a jump. */
    ck_assert(ein_t_quantile(0.025, INFINITY) == ein_normal_quantile(0.025));
    check_close(ein_t_quantile(0.025, 1e12), ein_normal_quantile(0.025), 1e-11);
    /* Many degrees of freedom, by quadrature of the density. */
    check_close(ein_t_cdf(-1.96, 2e4), 0.02500482749920271479, 1e-12);
    check_close(ein_t_cdf(-5, 2e4), 2.8907570738290255962e-7, 1e-12);
    check_close(ein_t_cdf(-12, 1.5e4), 2.516327125632538345e-33, 1e-10);
    check_close(ein_t_cdf(-3, 1e6), 0.0013499312707108985294, 1e-12);
    check_close(ein_t_quantile(0.02500482749920271479, 2e4), -1.96, 1e-12);
    ck_assert(ein_t_cdf(0, 3) == 0.5);
    ck_assert(ein_t_cdf(1e200, 3) == 1);
    ck_assert(ein_t_cdf(-1e200, 3) < 1e-300);
}
END_TEST

START_TEST(chi_squared) {
    check_digits(ein_chi2_upper(0.06349206349206, 1), 0.80105937086971490331);
    check_digits(ein_chi2_upper(3.84, 1), 0.050043521248705103189);
    check_digits(ein_chi2_upper(5.0530160565, 3), 0.16795595704149565517);
    check_digits(ein_chi2_upper(152.2330080824, 12), 1.9967645908210286573e-26);
    check_digits(ein_chi2_upper(1e-3, 7), 0.99999999999975979509);
    check_digits(ein_chi2_upper(900, 1000), 0.98928276190871025844);
    check_digits(ein_chi2_upper(495, 99), 5.7123025623477106383e-54);
    check_digits(ein_chi2_quantile(0.025, 12), 4.4037885069817016816);
    check_digits(ein_chi2_quantile(0.975, 12), 23.336664158645336385);
    check_digits(ein_chi2_quantile(0.025, 3), 0.21579528262389787679);
    check_digits(ein_chi2_quantile(0.95, 1), 3.8414588206941244691);
    /* df 2 is the exponential distribution. */
    check_digits(ein_chi2_quantile(1e-9, 2), -2 * log1p(-1e-9));
    check_digits(ein_gamma_lower(1, 0.5e-9), -expm1(-0.5e-9));
    ck_assert(ein_chi2_upper(0, 3) == 1 && ein_gamma_lower(1.5, -0.5) == 0);
}
END_TEST

START_TEST(fisher_f) {
    check_digits(ein_f_upper(1.5, 2, 10), 0.26932907434290439087);
    check_digits(ein_f_upper(0.3, 7, 3.5), 0.91793899639195567841);
    check_digits(ein_f_upper(25, 1, 97), 2.5467614826576318736e-6);
    check_digits(ein_f_upper(3, 40, 40), 0.0003736425964903515461);
    check_digits(ein_f_upper(1 / 3.0, 40, 40), 1 - 0.0003736425964903515461); /* 1/F(40, 40) is F(40, 40) */
    /* F(1, d) is t(d) squared. */
    const double t = ein_t_quantile(0.025, 9);
    check_digits(ein_f_upper(t * t, 1, 9), 0.05);
}
END_TEST

START_TEST(beta_and_binomial) {
    check_digits(ein_beta_cdf(0.1, 0.9, 0.5, 0.5), 0.20483276469913345754);
    check_digits(ein_beta_cdf(0.3, 0.7, 2, 3), 0.3483);
    check_digits(ein_beta_cdf(0.99, 0.01, 30, 1), 0.73970037338828022364);
    check_digits(ein_beta_cdf(1e-8, 1 - 1e-8, 0.2, 5), 0.037135728755866101017);
    check_digits(ein_beta_cdf(0.5, 0.5, 50, 60), 0.83090729390166941434);
    check_digits(ein_beta_cdf(0.638554216867, 1 - 0.638554216867, 107, 60), 0.47078429915862571142);
    check_digits(ein_beta_quantile(0.025, 106, 61), 0.56049615263597544841);
    check_digits(ein_beta_quantile(0.975, 107, 60), 0.71156769313618484219);
    const double arcsine = sin(0.975 * acos(0.0));
    check_digits(ein_beta_quantile(0.975, 0.5, 0.5), arcsine * arcsine);
    check_digits(ein_beta_quantile(0.025, 1, 1e6), -expm1(log1p(-0.025) / 1e6));
    check_digits(ein_binomial_cdf(0, 10, 0.1), pow(0.9, 10));
    check_digits(ein_binomial_cdf(0, 2, 0.5), 0.25);
    check_digits(ein_binomial_cdf(30, 63, 0.5) * 2, 0.801306492504069);
    ck_assert(ein_binomial_cdf(-1, 5, 0.5) == 0 && ein_binomial_cdf(5, 5, 0.5) == 1);
}
END_TEST

/* A function and its quantile undo each other over the whole range of parameters. */
START_TEST(round_trips) {
    const double p[] = {1e-12, 1e-4, 0.025, 0.5, 0.8, 0.999};
    const double df[] = {0.5, 1, 2, 7, 40, 1e3, 1e5};
    for (int i = 0; i < 6; i++) {
        for (int j = 0; j < 7; j++) {
            check_close(ein_t_cdf(ein_t_quantile(p[i], df[j]), df[j]), p[i], 1e-11);
            check_close(ein_gamma_lower(0.5 * df[j], 0.5 * ein_chi2_quantile(p[i], df[j])), p[i], 1e-11);
            for (int k = 0; k < 7; k++) {
                const double x = ein_beta_quantile(p[i], df[j], df[k]);
                if (x > 1e-300 && x < 0.9) check_close(ein_beta_cdf(x, 1 - x, df[j], df[k]), p[i], 1e-9);
            }
        }
    }
}
END_TEST

START_TEST(invalid_parameters_give_nan) {
    ck_assert(isnan(ein_normal_quantile(-0.1)) && isnan(ein_normal_quantile(NAN)));
    ck_assert(isnan(ein_t_quantile(0.5, 0)) && isnan(ein_t_cdf(NAN, 3)) && isnan(ein_t_cdf(1, -1)));
    ck_assert(isnan(ein_gamma_lower(0, 0.5)) && isnan(ein_chi2_quantile(1.5, 3)));
    ck_assert(isnan(ein_f_upper(1, 0, 3)) && isnan(ein_f_upper(1, 3, -1)));
    ck_assert(isnan(ein_beta_cdf(0.5, 0.5, 0, 1)) && isnan(ein_beta_quantile(2, 1, 1)));
    ck_assert(isnan(ein_binomial_cdf(1, 2, 1.5)) && isnan(ein_binomial_cdf(1, -1, 0.5)));
}
END_TEST

int main(void) {
    Suite *suite = suite_create("stats_special");
    TCase *c = tcase_create("special functions");
    tcase_add_test(c, normal);
    tcase_add_test(c, student);
    tcase_add_test(c, chi_squared);
    tcase_add_test(c, fisher_f);
    tcase_add_test(c, beta_and_binomial);
    tcase_add_test(c, round_trips);
    tcase_add_test(c, invalid_parameters_give_nan);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}

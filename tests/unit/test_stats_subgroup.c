/* AUROC per subgroup and differences: fixture S1 by sex and site, suppression, patients in two groups. */
#include <string.h>

#include "core/stats/subgroup.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

static s1_data s;

static ein_subgroup_options options(int64_t minimum, ein_adjust_method adjust) {
    return (ein_subgroup_options){minimum, adjust, EIN_ROC_DEFAULTS};
}

START_TEST(s1_sexes) {
    ein_subgroup group[2];
    ein_subgroup_pair pair;
    int64_t unassigned;
    check_ok(ein_subgroup_auc(group, &pair, &unassigned, s.a, s.label, NULL, s.sex, S1_N, 2,
                              options(11, EIN_ADJUST_HOLM)));
    ck_assert_int_eq(unassigned, 0);
    ck_assert_int_eq(group[0].auc.n_positive, 80);
    ck_assert_int_eq(group[1].auc.n_positive, 86);
    check_exact(group[0].auc.auc.value, 0.672167968750000);
    check_exact(group[1].auc.auc.variance, 1.596857849577629e-03);
    check_exact(pair.test.statistic, 0.286093766252563);
    check_exact(pair.test.df, 396.242128399792);
    check_exact(pair.test.p, 0.774955817570433);
    ck_assert(pair.adjusted_p.value == pair.test.p); /* a family of one */
    ck_assert_int_eq(pair.shared_clusters, 0);
}
END_TEST

START_TEST(s1_sites_are_a_family_of_six) {
    ein_subgroup group[4];
    ein_subgroup_pair pair[6];
    int64_t unassigned;
    double p[6], holm[6];
    check_ok(ein_subgroup_auc(group, pair, &unassigned, s.a, s.label, NULL, s.site, S1_N, 4,
                              options(11, EIN_ADJUST_HOLM)));
    check_exact(group[2].auc.auc.value, 0.703208556149733);
    ck_assert(pair[0].first == 0 && pair[0].second == 1 && pair[5].first == 2 && pair[5].second == 3);
    ck_assert(pair[2].test.statistic < 0); /* site 0 is below site 3 */
    for (int i = 0; i < 6; i++) p[i] = pair[i].test.p;
    check_ok(ein_adjust(holm, p, 6, EIN_ADJUST_HOLM));
    for (int i = 0; i < 6; i++) ck_assert(pair[i].adjusted_p.value == holm[i]);
    ck_assert(pair[2].adjusted_p.value > 5 * pair[2].test.p);
}
END_TEST

START_TEST(small_groups_are_suppressed) {
    int32_t site[S1_N];
    int kept = 0;
    for (int i = 0; i < S1_N; i++) {
        site[i] = s.site[i];
        if (site[i] == 3 && ++kept > 15) site[i] = -1;
    }
    ein_subgroup group[4];
    ein_subgroup_pair pair[6];
    int64_t unassigned;
    check_ok(ein_subgroup_auc(group, pair, &unassigned, s.a, s.label, s.patient, site, S1_N, 4,
                              options(11, EIN_ADJUST_BH)));
    ck_assert_int_eq(unassigned, 85);
    check_none(group[3].auc.auc, EIN_STATS_SUPPRESSED);
    ck_assert(group[3].auc.n_positive == -1 && group[3].auc.n_clusters == -1);
    check_state(pair[2].test.state, EIN_STATS_SUPPRESSED);
    check_none(pair[2].difference, EIN_STATS_SUPPRESSED);
    ck_assert(isnan(pair[2].adjusted_p.value));
    check_state(pair[0].test.state, EIN_STATS_ESTIMABLE);
    int32_t few[S1_N]; /* 20 positives and 5 negatives: the negatives hide the group */
    int positives = 0, negatives = 0;
    for (int i = 0; i < S1_N; i++) few[i] = s.label[i] ? positives++ < 20 : negatives++ < 5;
    ein_subgroup two[2];
    ein_subgroup_pair only;
    check_ok(ein_subgroup_auc(two, &only, &unassigned, s.a, s.label, NULL, few, S1_N, 2,
                              options(11, EIN_ADJUST_BH)));
    check_none(two[1].auc.auc, EIN_STATS_SUPPRESSED);
    check_state(two[0].auc.auc.state, EIN_STATS_ESTIMABLE);
    ck_assert_int_eq(only.shared_clusters, -1);
    positives = negatives = 0; /* and the other way round */
    for (int i = 0; i < S1_N; i++) few[i] = s.label[i] ? positives++ < 5 : negatives++ < 20;
    check_ok(ein_subgroup_auc(two, &only, &unassigned, s.a, s.label, NULL, few, S1_N, 2,
                              options(11, EIN_ADJUST_BH)));
    check_none(two[1].auc.auc, EIN_STATS_SUPPRESSED);
    double p[3] = {pair[0].test.p, pair[1].test.p, pair[3].test.p}, bh[3];
    check_ok(ein_adjust(bh, p, 3, EIN_ADJUST_BH)); /* the suppressed are no members of the family */
    check_exact(pair[3].adjusted_p.value, bh[2]);
}
END_TEST

/* The same records under two device names: all patients are shared and the difference has no variance left. */
START_TEST(shared_patients_correlate_groups) {
    double score[2 * S1_N];
    int8_t label[2 * S1_N];
    uint64_t patient[2 * S1_N];
    int32_t device[2 * S1_N];
    for (int i = 0; i < 2 * S1_N; i++) {
        score[i] = s.a[i % S1_N];
        label[i] = s.label[i % S1_N];
        patient[i] = s.patient[i % S1_N];
        device[i] = i / S1_N;
    }
    ein_subgroup group[2];
    ein_subgroup_pair pair;
    int64_t unassigned;
    check_ok(ein_subgroup_auc(group, &pair, &unassigned, score, label, patient, device, 2 * S1_N, 2,
                              options(11, EIN_ADJUST_HOLM)));
    ck_assert_int_eq(pair.shared_clusters, 100);
    ck_assert(pair.difference.value == 0);
    check_no_interval(pair.difference, EIN_STATS_ZERO_VARIANCE);
    check_state(pair.test.state, EIN_STATS_ZERO_VARIANCE);
    /* The second device with model B: the paired comparison of the two models. */
    for (int i = S1_N; i < 2 * S1_N; i++) score[i] = s.b[i % S1_N];
    check_ok(ein_subgroup_auc(group, &pair, &unassigned, score, label, patient, device, 2 * S1_N, 2,
                              options(11, EIN_ADJUST_HOLM)));
    check_exact(pair.test.statistic, 2.768796309942);
}
END_TEST

START_TEST(wrong_groups) {
    ein_subgroup group[2];
    ein_subgroup_pair pair;
    int64_t unassigned;
    int32_t bad[S1_N] = {0};
    bad[7] = 2;
    check_fails(ein_subgroup_auc(group, &pair, &unassigned, s.a, s.label, NULL, bad, S1_N, 2,
                                 options(11, EIN_ADJUST_HOLM)),
                EIN_RANGE, "record 7 is in subgroup 2 of 2");
    check_fails(ein_subgroup_auc(group, &pair, &unassigned, s.a, s.label, NULL, bad, S1_N, 0,
                                 options(11, EIN_ADJUST_HOLM)),
                EIN_RANGE, "0 subgroups");
}
END_TEST

int main(void) {
    s1_make(&s);
    Suite *suite = suite_create("stats_subgroup");
    TCase *c = tcase_create("subgroups");
    tcase_add_test(c, s1_sexes);
    tcase_add_test(c, s1_sites_are_a_family_of_six);
    tcase_add_test(c, small_groups_are_suppressed);
    tcase_add_test(c, shared_patients_correlate_groups);
    tcase_add_test(c, wrong_groups);
    suite_add_tcase(suite, c);
    return ein_tap_main(suite);
}

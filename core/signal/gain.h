/* Are stated gains possible, and do they agree with each other?
 *
 * Headers state the gain of each lead, and real headers are wrong: LUDB's gains are a normalisation while the
 * integers are microvolts; three headers of the CinC Georgia set say 4880 counts per mV over the integers of
 * 1000; units of uV and mV get exchanged.  A gain is replaced only where the samples prove it wrong,
 * otherwise the recording is noted EIN_NOTE_GAIN_SUSPECT and left as stated.
 */
#ifndef EIN_CORE_SIGNAL_GAIN_H
#define EIN_CORE_SIGNAL_GAIN_H

#include "core/signal/ecg.h"

/* How a reader turned counts into mV: mV = (count - baseline) / per_mv. (n_leads) are used. */
typedef struct {
    double per_mv[EIN_MAX_LEADS];
    double baseline[EIN_MAX_LEADS];
} ein_gain;

/* Check, and correct where provable. Sets lead_notes and notes; in order:
 *
 *   contradiction  The stated gains or baselines of I, II, III differ, and the counts satisfy II = I + III within one
 *                  count at every sample (60 s at most are looked at; at least 1 s and a range of 20 counts are
 *                  needed).  Einthoven's law holds for equal gains only, so the stated ones are not those of the
 *                  counts.  All leads are then read at 1000 counts per mV with baseline 0, if that gives a possible
 *                  amplitude (below): EIN_NOTE_GAIN_FIXED.  If it does not, or if the counts do not satisfy the law
 *                  and the mV do not either (RMS of II - I - III above a fifth of the RMS of II):
 *                  EIN_NOTE_GAIN_SUSPECT.
 *   4.88           A gain of 4880 per mV within 0.5 %: the digits of the usual resolution of 4.88 uV per count, taken
 *                  for counts per mV: EIN_NOTE_GAIN_SUSPECT.
 *   amplitude      At least eight standard leads, and their QRS (the 95th percentile of the range within windows of
 *                  100 ms) stays below 0.5 mV in every lead (low voltage means below 0.5 mV in limb leads and below
 *                  1 mV in chest leads; Goldberger 1982) or exceeds 10 mV in the median lead: EIN_NOTE_GAIN_SUSPECT.
 *
 * Only the first 60 s are looked at. No allocation. */
void ein_gain_review(ein_ecg *ecg, const ein_gain *stated);

typedef enum { EIN_UNITS_REJECT, EIN_UNITS_REPAIR, EIN_UNITS_KEEP } ein_units_policy;

/* Can these millivolts be an ECG? For recordings whose leads have their names; QRS is measured as above, in every
 * standard lead that moves at all.
 *
 *   recording     Impossible if no lead reaches 0.05 mV, or if the median lead exceeds 10 mV (20 mV with fewer than
 *                 three leads). In 2,244 real records of ten cohorts the largest lead has 0.30 to 10.0 mV, the median
 *                 lead 0.11 to 4.1 mV, so that units that are wrong by 1,000 (uV for mV, mV for V) or 100 fall far
 *                 outside; by 10 they may lie within, which ein_gain_review notes as suspect.
 *                 REJECT: EIN_RANGE. REPAIR: if the same times 1,000 or divided by it has 0.5 mV in some lead and up
 *                 to 5 mV in the median one, that is taken, EIN_NOTE_GAIN_FIXED; else as REJECT. KEEP:
 *                 EIN_NOTE_GAIN_SUSPECT.
 *   single lead   Of at least four leads, one that has less than 1/50 of the median of all others, or more than 5 mV
 *                 and six times the median of the other chest leads (a limb lead: of all others). The extremes of the
 *                 real records are 1/9 and 4.6. A gain that is wrong by 10 downwards cannot be told.
 *                 REJECT: the lead counts as missing (NaN), so that limb leads are derived from others and too many
 *                 missing leads reject the recording; the lead and the recording get EIN_NOTE_LEAD_SCALE. REPAIR: the
 *                 same, unless 1,000 times or a thousandth of it is 0.1 to 4 times the median of its companions.
 *                 KEEP: noted only.
 *   limb lead     Of at least four limb leads, one that follows from the others by Einthoven's law but for a factor
 *                 below 2/3 or above 1.5, or upside down (correlation 0.95), while the others agree with each other.
 *                 REJECT, REPAIR: it counts as missing, and is so derived from the others. KEEP: noted only.
 *
 * EIN_OK or EIN_RANGE. Only the first 60 s are looked at. No allocation. */
ein_status ein_units_review(ein_ecg *ecg, ein_units_policy policy);

#endif

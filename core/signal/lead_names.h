/* Which lead a name means.
 *
 * Names are compared without case, blanks, '_', '.', and '-' within; in front of them "MDC", "ECG", "EKG", "ELEC_POTL",
 * "lead", "Abl.", "Ableitung", "derivation" (also Spanish, Italian, Portuguese) are passed over. What is known then:
 *
 *   I, II, III, aVR, aVL, aVF,      the standard; ISO/IEEE 11073-10101 (MDC_ECG_LEAD_AVF, MDC_ECG_ELEC_POTL_V1), AHA
 *   V1 to V9, V3R, V4R, X, Y, Z     recommendations (Kligfield et al. 2007)
 *   DI, DII, DIII, D1, D2, D3       Romance languages: CODE and CODE-15 % (Ribeiro et al. 2020), D3 in European ST-T
 *   L1, L2, L3, LI, LII, LIII,      monitors and older carts. A bare "1" is a channel as a rule, see below
 *   "Lead 1"
 *   MLI, MLII, MLIII, ML1, ...      modified limb leads, electrodes on the trunk: MIT-BIH, European ST-T
 *   "I (Einthoven)"                 DICOM's meaning of the codes of the limb leads
 *   vx, vy, vz                      Frank's leads in the PTB Diagnostic Database
 *
 * Not known on purpose: "ECG 1", "ch 1" (channel numbers), C1 to C6 (also places of EEG electrodes), VR, VL, VF (not
 * augmented in ISO/IEEE 11073), -aVR, MCL1, CM5 (other leads). A site that knows better says so: ein_lead_names_add.
 *
 * Three leads named I (or 1), 2 and 3, as in UK Biobank's exercise ECGs, are I, II, III if their samples obey
 * Einthoven's law (II = I + III); numbers of channels do not.
 */
#ifndef EIN_CORE_SIGNAL_LEAD_NAMES_H
#define EIN_CORE_SIGNAL_LEAD_NAMES_H

#include <stddef.h>

#include "core/signal/ecg.h"

enum { EIN_LEAD_NAMES_MAX = 64 };

/* What a site's own names mean, over the table above. Zeroed: none. */
typedef struct {
    int n;
    char name[EIN_LEAD_NAMES_MAX][EIN_LEAD_NAME_BYTES]; /* as they are compared */
    ein_lead lead[EIN_LEAD_NAMES_MAX];
} ein_lead_names;

/* Take "DI=I" or "ECG 1=II"; "V=none" says that a name is no lead. EIN_USAGE for what is not of that form, a lead
 * that is not known, a name that means another lead already, too many. */
ein_status ein_lead_names_add(ein_lead_names *names, const char *item);

/* Decide the leads of a recording whose samples and lead_name are there: `names` (may be NULL) first, else what the
 * reader found stays; then I, 2, 3. Two leads that are the same get EIN_NOTE_LEAD_TWICE. May be called again with
 * other names. */
void ein_ecg_name_leads(ein_ecg *ecg, const ein_lead_names *names);

/* The names that mean no known lead, each once, with ", " between (a comma within becomes ';'), "" for none; names
 * that do not fit are left out. */
void ein_ecg_unknown_leads(const ein_ecg *ecg, char *out, size_t room);

#endif

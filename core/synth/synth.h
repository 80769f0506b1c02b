/* Synthetic 12-lead ECGs of people who do not exist, with the truth about them.
 *
 * The heart is a dipole that moves in space: P, QRS, T and U are sums of Gaussians in time, each with a
 * vector (McSharry et al. 2003, IEEE TBME 50:289; Sameni et al. 2007, EURASIP J Adv Signal Process 43407).
 * A lead field after Dower et al. 1980 (Clin Cardiol 3:87), turned, scaled and disturbed for each person,
 * maps it to the nine electrode potentials; noise enters there; leads are differences of electrodes, so
 * that III = II - I, aVR = -(I + II) / 2, aVL = I - II / 2 and aVF = II - I / 2 hold exactly before rounding.
 * The recorder couples, may filter, and takes leads (core/synth/recorder.c).
 * Findings (atrial fibrillation, bundle branch blocks, infarctions ...) are rows of a table, each with a
 * prevalence and an effect on the parameters of the heart (core/synth/parameters.h, core/synth/condition.c).  A latent
 * state (LVEF, MFR, flows, TPD; core/synth/latent.c) follows from who the person is and from a free part, and acts on
 * the waves.  effect.all scales everything that labels, age, sex and build do: at 0 the signal knows nothing of them.
 *
 * Record i of a seed is a function of (configuration, seed, i) alone, whatever else is generated and by
 * whom; gcc and clang, with and without vector units, give the same bits (measured), apart from what another
 * mathematics library rounds differently.  Everything here is pure: no files, no state, any number of threads.
 */
#ifndef EIN_CORE_SYNTH_SYNTH_H
#define EIN_CORE_SYNTH_SYNTH_H

#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "core/synth/person.h"

/* Check every value and prepare `intercept`; call it after changing `p`. EIN_USAGE names the key. */
ein_status ein_synth_config_ready(ein_synth_config *config);

/* Draw who record `record` (>= 0) is of and what is wrong. `config` must be ready. */
ein_status ein_synth_draw_person(const ein_synth_config *config, uint64_t seed, int64_t record,
                                 ein_synth_person *out);

/* Render the recording of `person`: 12 leads in standard order, mV, NaN where samples are missing; person
 * data and the diagnosis codes (or sinus rhythm's, 426783006) are filled in. `ecg` is empty, or from an
 * earlier call with the same configuration, whose memory is then used again. */
ein_status ein_synth_render(const ein_synth_config *config, const ein_synth_person *person, uint64_t seed,
                            int64_t record, ein_ecg *ecg);

#endif

"""Mistakes that tests have to notice, one small change of the source each. Run by ``benchmarks/mutations.py``.

The list stands for kinds of mistakes, not for all of them: a wrong index, sign, axis or formula; a protocol that is not
kept (chosen where it is measured, folds that share a conversation); and the case that is not degenerate (norms whose
weights are all 1, counts that are all alike). To add one: think of the mistake, write it down, and see a test fail.

One list, and so a long file. A mutant that changes nothing anybody could see is kept with the reason, so that nobody
looks for its test again.
"""

from __future__ import annotations

from dataclasses import dataclass

_CIRCUITS = "plugins/circuits/src/wonderland_circuits"
_TRIAGE = "plugins/triage/src/wonderland_triage"
_WEIGHTS = "plugins/weights/src/wonderland_weights"
_SPARSE, _OF_SPARSE = "plugins/sparse/src/wonderland_sparse", "plugins/sparse/tests"
_OF_CIRCUITS, _OF_TRIAGE, _OF_WEIGHTS = "plugins/circuits/tests", "plugins/triage/tests", "plugins/weights/tests"
_AUDIT = "tests/audit"
_WORDS = "tests/testing/test_words_of_messages.py"
_NAMED_HEAD = "test_the_head_that_is_named_is_chosen_on_one_half_and_its_cost_is_of_the_other"
_WITHOUT_THE_HALF = "test_which_pairs_are_ablated_at_all_is_decided_without_the_half_to_measure_on"
_WITHOUT_THE_OTHER = "test_which_heads_are_ablated_is_decided_without_the_half_to_measure_on"
_SAYS_THE_SAME = "test_of_noise_a_pair_is_named_only_if_the_other_half_says_the_same"
_OPTIMISM = f"{_OF_CIRCUITS}/test_optimism.py::test_the_best_of_noise_is_worth_nothing_on_the_other_half"


@dataclass(frozen=True)
class Mutant:
    """One change.

    Attributes:
        name: What is done wrong.
        file: Where, from the root of the repository.
        old: The text to replace; it stands there exactly once.
        new: What to put there.
        why: What would be wrong for whoever reads the result.
        tests: Arguments of pytest: the tests that have to fail.
        equivalent: If nobody could see the change: why not.
    """

    name: str
    file: str
    old: str
    new: str
    why: str
    tests: tuple[str, ...]
    equivalent: str = ""


def _optimism(name: str, old: str) -> Mutant:
    """Return a mutant of an analysis that chooses on the half to measure on."""
    return Mutant(
        f"{name}: chosen on the half to measure on",
        f"{_CIRCUITS}/{name.replace('-', '_')}.py",
        old,
        old.replace("explore", "confirm"),
        "what is chosen is measured where it was chosen: luck is reported as an effect",
        (f"{_OPTIMISM}[{name}]",),
    )


MUTANTS = (
    # Protocol: chosen on one half, measured on the other.
    _optimism("circuit-sufficiency", "asked.batch.rows(asked.explore), list"),
    _optimism("activation-patching", 'patched, "denoising", asked.explore, self.seed'),
    _optimism("path-patching", "_effects(model, asked.batch.rows(asked.explore)"),
    _optimism("edge-attribution", "[chosen][:, asked.explore].sum(1)"),
    _optimism("circuit-graph", "faithfulness(model, edges, explore, nested)"),
    _optimism("speaker-tracking", 'swaps[side]["explore"]["through"].value >='),
    Mutant(
        "causal-scrubbing: hypothesis found on the half to test on",
        f"{_CIRCUITS}/causal_scrubbing.py",
        "_simplest(explore, heads",
        "_simplest(confirm, heads",
        "a hypothesis is called confirmed by the text it was found on",
        (f"{_OF_CIRCUITS}/test_optimism.py::test_a_hypothesis_is_found_on_one_half_and_the_other_has_no_say",),
    ),
    Mutant(
        "tuned lens: fitted on the half to judge on",
        f"{_TRIAGE}/tuned_lens.py",
        "for _, stream in sides[True]]",
        "for _, stream in sides[False]]",
        "a lens is praised for what it learned by heart",
        (f"{_OF_TRIAGE}/test_tuned_lens.py",),
    ),
    Mutant(
        "probe: folds without regard to conversations",
        f"{_CIRCUITS}/speaker_probe.py",
        ".split(labels, groups=conversation)",
        ".split(labels, groups=np.arange(len(labels)))",
        "who speaks is 'read' off what else is said in the same conversation",
        (f"{_OF_CIRCUITS}/test_speaker_tracking.py::test_6_a_probe_is_asked_about_conversations_it_has_not_seen",),
    ),
    Mutant(
        "contrasts: both halves of the same conversations",
        "wonderland/lab/mining.py",
        "[: (len(groups) + 1) // 2].tolist())",
        ".tolist()[: len(groups)])",
        "there is no half to measure on",
        ("tests/lab/test_mining.py",),
    ),
    Mutant(
        "halves: chosen on the half to measure on",
        "wonderland/lab/halves.py",
        "sums[first].sum(0) / weights[first].sum()",
        "sums[~first].sum(0) / weights[~first].sum()",
        "the best of many is measured on the conversations that made it the best",
        ("tests/lab/test_halves.py",),
    ),
    Mutant(
        "halves: measured on the half it was chosen on",
        "wonderland/lab/halves.py",
        "rest = ~first",
        "rest = first",
        "the best of many is measured on the conversations that made it the best",
        ("tests/lab/test_halves.py",),
    ),
    Mutant(
        "halves: of windows",
        "wonderland/lab/halves.py",
        "permutation(np.unique(conversation))",
        "permutation(np.arange(len(np.asarray(conversation))))",
        "windows of one conversation are on both sides",
        ("tests/lab/test_halves.py",),
    ),
    Mutant(
        "attention-entropy: chosen on the half to measure on",
        f"{_TRIAGE}/attention_entropy.py",
        "first_half(evidence.conversation, evidence.seed),\n            least=True",
        "~first_half(evidence.conversation, evidence.seed),\n            least=True",
        "the head that is named is chosen on the other half than the optimism test deals",
        (f"{_OF_TRIAGE}/test_attention_entropy.py::test_the_lowest_of_noise_is_worth_nothing_on_the_other_half",),
    ),
    Mutant(
        "head-patterns: chance of all conversations beside a score of half of them",
        f"{_TRIAGE}/head_patterns.py",
        "float(even[~first].sum() / max(rows[~first].sum(), 1))",
        "float(even.sum() / max(rows.sum(), 1))",
        "a score and its chance level are of different text",
        (f"{_OF_TRIAGE}/test_head_patterns.py",),
    ),
    Mutant(
        "head-patterns: a head without the label is named for it",
        f"{_TRIAGE}/head_patterns.py",
        "first, among=labelled, **about)",
        "first, **about)",
        "a head is named for a pattern that it is not labelled with",
        (f"{_OF_TRIAGE}/test_head_patterns.py",),
    ),
    Mutant(
        "neurons: chosen on the half to measure on",
        f"{_TRIAGE}/neurons.py",
        "favourite = favourites(by_kind[CHOOSE], count[CHOOSE])",
        "favourite = favourites(by_kind[MEASURE], count[MEASURE])",
        "the favourite kind of a neuron is measured on the tokens that made it one",
        (f"{_OF_TRIAGE}/test_neurons.py::test_the_best_of_noise_is_worth_nothing_on_the_other_half",),
    ),
    Mutant(
        "neurons: measured on the half they were chosen on",
        f"{_TRIAGE}/neurons.py",
        "rest = fired.kinds.reshape(specimen.evidence.tokens.shape), half == MEASURE",
        "rest = fired.kinds.reshape(specimen.evidence.tokens.shape), half == CHOOSE",
        "of thousands of neurons the luckiest are listed with their luck",
        (f"{_OF_TRIAGE}/test_neurons.py::test_the_best_of_noise_is_worth_nothing_on_the_other_half",),
    ),
    Mutant(
        "neurons: ranked by what is measured",
        f"{_TRIAGE}/neurons.py",
        'self._units(neurons["chosen_by"])',
        'self._units(neurons["selectivity"])',
        "the half to measure on decides who is listed",
        (f"{_OF_TRIAGE}/test_neurons.py::test_the_best_of_noise_is_worth_nothing_on_the_other_half",),
    ),
    Mutant(
        "neurons: tokens of other neurons than those listed",
        f"{_TRIAGE}/neurons.py",
        "w_out[which].split(_NEURONS)",
        "w_out[: int(which.sum())].split(_NEURONS)",
        "a listed neuron is told to raise what the first one raises",
        (f"{_OF_TRIAGE}/test_neurons.py",),
    ),
    Mutant(
        "neurons: both halves of the same conversations",
        f"{_TRIAGE}/selectivity.py",
        "first_half(evidence.conversation, seed)",
        "first_half(np.arange(len(evidence.conversation)), seed)",
        "one conversation is on both sides",
        (f"{_OF_TRIAGE}/test_neurons.py::test_halves_are_of_conversations",),
    ),
    Mutant(
        "neurons: an interval over windows",
        f"{_TRIAGE}/selectivity.py",
        "np.moveaxis(parts, -1, 0), conversation)",
        "np.moveaxis(parts, -1, 0), np.arange(len(conversation)))",
        "windows of one conversation count as independent",
        (f"{_OF_TRIAGE}/test_neurons.py::test_an_interval_resamples_conversations",),
    ),
    Mutant(
        "head-ablation: the dearest head is chosen where it is measured",
        f"{_CIRCUITS}/head_ablation.py",
        "(part[kept] for part in (rise, words, conversation, first))",
        "(part[kept] for part in (rise, words, conversation, ~first))",
        "the luckiest of many heads is said to cost what luck added",
        (f"{_OF_CIRCUITS}/test_head_ablation.py::{_NAMED_HEAD}",),
    ),
    Mutant(
        "head-ablation: heads to ablate are chosen by all windows",
        f"{_CIRCUITS}/head_ablation.py",
        "self._tried(specimen, chosen[first], mean)",
        "self._tried(specimen, chosen, mean)",
        "the half to measure on decides which heads have a number",
        (f"{_OF_CIRCUITS}/test_head_ablation.py::{_WITHOUT_THE_OTHER}",),
    ),
    Mutant(
        "exports: what is not read is not named",
        "plugins/exports/src/wonderland_exports/frame/files.py",
        'self.notes.append(f"{member.name} was left out: it is no file that {app} wrote.")',
        "pass",
        "a conversation whose file is damaged vanishes in silence",
        ("plugins/exports/tests/test_fuzz_exports.py::test_a_file_of_the_right_name_that_is_not_read_is_named",),
    ),
    Mutant(
        "head-pairs: chosen on the half to measure on",
        f"{_CIRCUITS}/head_pairs.py",
        "explored = differ[first].sum(0) / words[first].sum()",
        "explored = differ[~first].sum(0) / words[~first].sum()",
        "of a hundred pairs the luckiest are said to back each other up",
        (f"{_OF_CIRCUITS}/test_head_pairs.py::test_pairs_are_chosen_on_one_half_and_measured_on_the_other",),
    ),
    Mutant(
        "head-pairs: measured on all windows",
        f"{_CIRCUITS}/head_pairs.py",
        "cluster_bootstrap(differ[~first], words[~first], conversation[~first]",
        "cluster_bootstrap(differ, words, conversation",
        "half of the number is what the pair was chosen for",
        (f"{_OF_CIRCUITS}/test_head_pairs.py::test_pairs_are_chosen_on_one_half_and_measured_on_the_other",),
    ),
    Mutant(
        "head-pairs: candidates by the cost in all windows",
        f"{_CIRCUITS}/head_ablation.py",
        'np.abs(whole["mean"][first].sum(0)) / max(words[first].sum(), 1)',
        'np.abs(whole["mean"].sum(0)) / max(words.sum(), 1)',
        "what a head costs on the half to measure on decides whether it is in a pair",
        (f"{_OF_CIRCUITS}/test_head_pairs.py::{_WITHOUT_THE_HALF}",),
    ),
    Mutant(
        "head-pairs: named without the other half's word",
        f"{_CIRCUITS}/head_pairs.py",
        "if self.explored[i] * sign > 0 and self.q[i] < level and value[i] * sign > 0",
        "if self.explored[i] * sign > 0 and self.q[i] < level",
        "a pair is said to back each other up where the other half says the opposite",
        (f"{_OF_CIRCUITS}/test_head_pairs.py::{_SAYS_THE_SAME}",),
    ),
    # The contract of plugins.
    Mutant(
        "contract: no word is looked for in a redacted report",
        "wonderland/testing/redaction_checks.py",
        "        if PLANTED in text.casefold():\n            return text",
        "        if False:\n            return text",
        "a plugin that writes a token into its own sentence passes",
        (_WORDS,),
    ),
    Mutant(
        "contract: views are not searched for the word",
        "wonderland/testing/redaction_checks.py",
        "[page_data(page, views), *(encode(view.data) for view in views)]",
        "[page_data(page, views)]",
        "a token in a cell that is marked as the analysis' own passes",
        (_WORDS,),
    ),
    Mutant(
        "contract: the word is looked for before redaction",
        "wonderland/testing/redaction_checks.py",
        "page = _redaction().page(gather({name: result}, subject))",
        "page = gather({name: result}, subject)",
        "a plugin that marks its tokens is refused",
        (_WORDS,),
    ),
    Mutant(
        "contract: who names a head may be silent",
        "wonderland/testing/choosing_checks.py",
        "for where, part in named(found(analysis)[0]):",
        "for where, part in ():",
        "the best of many is reported with the number that chose it, and nobody asks",
        ("tests/testing/test_choosing_checks.py",),
    ),
    Mutant(
        "contract: two seeds are as good as many",
        "wonderland/testing/analysis_checks.py",
        "for subject in few_members(analysis):",
        "for subject in ():",
        "what two models share is called solid",
        ("tests/testing/test_cohort_contract.py::test_a_broken_sentence_is_seen",),
    ),
    Mutant(
        "contract: only the first member of a cohort is looked after",
        "wonderland/testing/analysis_checks.py",
        "for one in members(subject) for weight in",
        "for one in list(members(subject))[:1] for weight in",
        "an analysis changes the weights of another member and passes",
        ("tests/testing/test_cohort_contract.py::test_a_broken_sentence_is_seen",),
    ),
    # Formulas.
    Mutant(
        "KL the wrong way round",
        f"{_CIRCUITS}/speaker_effects.py",
        "_kl(before, after)",
        "_kl(after, before)",
        "another divergence than the one that is named",
        (f"{_OF_CIRCUITS}/test_speaker_tracking.py::test_4_the_divergence_is_of_the_corrupted_run_from_the_others",),
    ),
    Mutant(
        "logit lens: KL the wrong way round",
        f"{_TRIAGE}/logit_lens.py",
        "kl = (final.exp() * (final - lens)).sum(-1)",
        "kl = (lens.exp() * (lens - final)).sum(-1)",
        "another divergence than the one that is named",
        (f"{_OF_TRIAGE}/test_logit_lens.py", f"{_OF_TRIAGE}/test_tuned_lens.py"),
    ),
    Mutant(
        "rank correlation of sizes",
        f"{_CIRCUITS}/edge_attribution.py",
        "float(spearmanr(estimate, effect).statistic)",
        "float(np.corrcoef(estimate, effect)[0, 1])",
        "a few large edges decide what should be about the order of all",
        (f"{_OF_CIRCUITS}/test_edges.py::test_ranks_agree_where_sizes_do_not",),
    ),
    Mutant(
        "standard errors twice as large",
        f"{_TRIAGE}/head_patterns.py",
        "(one.high - one.low) / (2 * 1.96)",
        "(one.high - one.low) / 1.96",
        "heads that have a pattern are called diffuse",
        (f"{_OF_TRIAGE}/test_head_patterns.py::test_a_label_takes_a_score_that_many_standard_errors_above_chance",),
    ),
    Mutant(
        "position share: every token counts alike",
        f"{_WEIGHTS}/directions.py",
        "float(weights @ (read - weights @ read) ** 2)",
        "float(np.var(read))",
        "tokens that nobody writes decide what a head reads",
        (f"{_OF_WEIGHTS}/test_ov_circuits.py::test_the_share_of_positions_weighs_tokens_by_how_often_they_occur",),
    ),
    Mutant(
        "norms: centred and then scaled",
        "wonderland/lab/weights.py",
        '    scaled = weight * _double(norm.w)[:, None]\n    return _centred(scaled, -2) if kind == "LN" else scaled',
        '    centred = _centred(weight, -2) if kind == "LN" else weight\n    return centred * _double(norm.w)[:, None]',
        "matrices of the weights are those of another model wherever a norm's weights differ",
        ("tests/lab/test_weights.py", f"{_OF_TRIAGE}/test_neurons.py"),
    ),
    Mutant(
        "norms: what neurons write keeps its mean",
        "wonderland/lab/weights.py",
        '_centred(W_out, -1) if kind == "LN" else W_out',
        "W_out",
        "a direction that no norm lets through counts",
        ("tests/lab/test_weights.py",),
    ),
    Mutant(
        "norms: W_U keeps what all logits share",
        "wonderland/lab/weights.py",
        "W_U = _centred(_reading(_double(model.W_U), model.ln_final, kind), -1)",
        "W_U = _reading(_double(model.W_U), model.ln_final, kind)",
        "a direction that no probability depends on counts",
        ("tests/lab/test_weights.py",),
    ),
    Mutant(
        "copying: sizes of eigenvalues for real parts",
        f"{_WEIGHTS}/copying.py",
        "eigenvalues.real.sum(-1)",
        "np.abs(eigenvalues).sum(-1)",
        "every head copies",
        (f"{_OF_WEIGHTS}/test_ov_circuits.py::test_turned_over_it_suppresses",),
    ),
    Mutant(
        "composition by keys through queries",
        f"{_WEIGHTS}/composition_scores.py",
        '"K": (QK.writes, QK.shares)',
        '"K": (QK.reads, QK.shares)',
        "an induction head is not seen to read the previous-token head",
        (f"{_OF_WEIGHTS}/test_composition.py::test_ratios_are_those_of_the_whole_matrices",),
    ),
    Mutant(
        "entropy against the whole context",
        f"{_TRIAGE}/attention_entropy.py",
        "visible.log().clamp(min=1e-12)",
        "visible.log()[-1]",
        "early rows look focused because they see little",
        (f"{_OF_TRIAGE}/test_attention_entropy.py",),
    ),
    Mutant(
        "prefix matching one place off",
        f"{_TRIAGE}/repetition.py",
        "pattern[..., rows, rows - length + 1]",
        "pattern[..., rows, rows - length]",
        "heads that look at the same token pass for induction heads",
        (f"{_OF_TRIAGE}/test_induction.py",),
    ),
    Mutant(
        "rank from 0",
        f"{_TRIAGE}/token_loss.py",
        "1 + (log_probs > came).sum(-1)",
        "(log_probs > came).sum(-1)",
        "the first choice has rank 0",
        (f"{_OF_TRIAGE}/test_token_loss.py",),
    ),
    Mutant(
        "residual stream with its first positions",
        f"{_TRIAGE}/residual_pca.py",
        "batch.mask[row]][:, self.skip :].double().flatten(0, 1)",
        "batch.mask[row]].double().flatten(0, 1)",
        "a giant at position 0 is the first component of everything",
        (f"{_OF_TRIAGE}/test_residual_pca.py",),
    ),
    Mutant(
        "ties count as wins",
        f"{_TRIAGE}/neurons.py",
        "0.5 * (np.abs(one[:, None] - other) <= _SAME)",
        "1.0 * (np.abs(one[:, None] - other) <= _SAME)",
        "neurons like any direction are called specific",
        (f"{_OF_TRIAGE}/test_neurons.py",),
    ),
    Mutant(
        "interaction: one head's cost forgotten",
        f"{_CIRCUITS}/head_pairs.py",
        "alone[:, *a] + alone[:, *b]",
        "alone[:, *a]",
        "every pair covers for each other",
        (f"{_OF_CIRCUITS}/test_head_pairs.py",),
    ),
    Mutant(
        "mean with padding",
        "wonderland/lab/ablation.py",
        "count += int(batch.mask.sum())",
        "count += batch.mask.numel()",
        "what is put in a head's place is no mean of it",
        (f"{_OF_CIRCUITS}/test_head_ablation.py", f"{_OF_CIRCUITS}/test_speaker_tracking.py"),
    ),
    Mutant(
        "a partner may be of one's own conversation",
        f"{_CIRCUITS}/scrubbing.py",
        "pick >= first, pick + sizes[group], pick",
        "pick > first, pick + sizes[group], pick",
        "an output is swapped for itself, and nothing is found to matter",
        (f"{_OF_CIRCUITS}/test_edges.py::test_partners_have_an_equal_feature_and_another_owner",),
    ),
    Mutant(
        "patching the first head for every head",
        "wonderland/lab/interventions.py",
        "differs = differs[:, :, site.head]",
        "differs = differs[:, :, 0]",
        "rows that would change are taken for unchanged",
        ("tests/lab/test_interventions.py",),
    ),
    Mutant(
        "recovery with the wrong sign",
        "wonderland/lab/patching.py",
        "np.moveaxis(patched - base, -1, 0)",
        "np.moveaxis(base - patched, -1, 0)",
        "what restores an answer is said to destroy it",
        ("tests/lab/test_interventions.py",),
    ),
    Mutant(
        "a layer's MLP does not hear its attention",
        "wonderland/lab/edges.py",
        "there[: self.before(layer) + self.n_heads, self.mlp(layer)]",
        "there[: self.before(layer), self.mlp(layer)]",
        "edges are missing from the graph",
        ("tests/lab/test_edges.py",),
    ),
    Mutant(
        "integrated gradients at one point",
        "wonderland/lab/attribution.py",
        "* (step / steps)",
        "* 0.0",
        "EAP-IG is EAP under another name",
        ("tests/lab/test_edges.py",),
    ),
    Mutant(
        "interval of 90%",
        "wonderland/lab/stats.py",
        "np.nanquantile(samples, [0.025, 0.975], axis=0)",
        "np.nanquantile(samples, [0.05, 0.95], axis=0)",
        "intervals are called 95% and are narrower",
        ("tests/lab/test_stats.py",),
    ),
    Mutant(
        "family-wise p by the mean over tests",
        "wonderland/lab/stats.py",
        "null.max(1, keepdims=True)",
        "null.mean(1, keepdims=True)",
        "among many heads some are always found",
        ("tests/lab/test_stats.py",),
    ),
    Mutant(
        "loss one position early",
        "wonderland/lab/forward.py",
        "losses[:, 1:] = token_losses(logits, tokens)",
        "losses[:, :-1] = token_losses(logits, tokens)",
        "every loss is shown at the token before",
        ("tests/lab/test_specimen.py",),
    ),
    Mutant(
        "messages numbered from 1",
        "wonderland/lab/evidence.py",
        "np.cumsum(self.is_speaker, axis=1) - 1, 0)",
        "np.cumsum(self.is_speaker, axis=1), 0)",
        "who speaks in which message is told of the next one",
        ("tests/lab/test_specimen.py",),
    ),
    Mutant(
        "a target that stands in the prompt passes",
        "wonderland/lab/contrast.py",
        "if len(tokens) == 1 and (where := _where(tokens[0], clean, corrupted))",
        "if len(tokens) == 2 and (where := _where(tokens[0], clean, corrupted))",
        "copying passes for the behaviour in question",
        ("tests/lab/test_contrast.py",),
    ),
    Mutant(
        "weights hashed in single precision",
        "wonderland/model/hashing.py",
        "digest.update(str(weight.dtype).encode())",
        "weight = weight.float()",
        "a rounded model passes for the model",
        ("tests/truths/test_precision.py::test_a_model_stays_in_its_precision",),
    ),
    Mutant(
        "an epoch's last step is not looked at",
        "wonderland/model/training.py",
        "if broken := model.not_finite:  # after",
        'if broken := "":  # after',
        "a run that diverged ends in a riddle",
        ("tests/model/test_training.py::test_what_is_no_number_at_the_end_of_an_epoch_stops_the_run",),
    ),
    # What nobody could see.
    Mutant(
        "patching 'between' behind the answer",
        "wonderland/lab/contrast.py",
        "& (position < self.answer[:, None])",
        "& (position != self.answer[:, None])",
        "nothing: see below",
        (f"{_OF_CIRCUITS}/test_activation_patching.py",),
        equivalent="what stands behind the answer is never read, so replacing it changes nothing",
    ),
    Mutant(
        "probe: places of equal weight",
        f"{_CIRCUITS}/speaker_probe.py",
        "weights = np.where(labels, 0.5 / labels.sum(), 0.5 / (~labels).sum())",
        "weights = np.full(len(labels), 1 / len(labels))",
        "nothing: see below",
        (f"{_OF_CIRCUITS}/test_speaker_tracking.py",),
        equivalent="places are drawn with the combinations of speakers equally frequent, so the weights are equal",
    ),
    # Sparse dictionaries.
    Mutant(
        "sparse gradients: what the encoder takes off is forgotten",
        f"{_SPARSE}/gradients.py",
        "to_b_dec = slope.sum((0, 1)) - (to_bias @ encoder if target is None else 0)",
        "to_b_dec = slope.sum((0, 1))",
        "the bias is trained along another slope than the loss has",
        (f"{_OF_SPARSE}/test_dictionary.py::test_gradients_are_those_of_autograd",),
    ),
    Mutant(
        "sparse gradients: a nested group answers for its own reconstruction only",
        f"{_SPARSE}/gradients.py",
        "slope.flip(1).cumsum(1).flip(1).reshape",
        "slope.reshape",
        "the first latents of a nested dictionary are trained for the smallest one alone",
        (f"{_OF_SPARSE}/test_dictionary.py::test_gradients_are_those_of_autograd",),
    ),
    Mutant(
        "sparse labels: scored where they were chosen",
        f"{_SPARSE}/labels.py",
        "return Explained(family, label, found_f1, true",
        "return Explained(family, label, best, true",
        "the best of some thousand labels fits any firing a little",
        (f"{_OF_SPARSE}/test_features.py::test_a_unit_that_never_fires_has_no_label",),
    ),
    Mutant(
        "sparse contexts: one conversation may hold nearly all",
        f"{_SPARSE}/dataset_examples.py",
        "_CONVERSATIONS, _HALF = 5, 0.5",
        "_CONVERSATIONS, _HALF = 5, 0.9",
        "a latent about one friend shows that friend's messages",
        (
            f"{_OF_SPARSE}/test_features.py::test_text_is_shown_only_of_what_fires_in_five_conversations_and_in_none_mostly",
        ),
    ),
    Mutant(
        "audit: each half is scored by the counts of itself",
        "wonderland/audit/membership.py",
        "np.where(half[chosen], by_half[1], by_half[0])",
        "np.where(half[chosen], by_half[0], by_half[1])",
        "the reference has counted the message, so the model knows nothing that it does not",
        (f"{_AUDIT}/test_membership.py::test_the_reference_never_counts_the_conversation_it_scores",),
    ),
    Mutant(
        "audit: the trigram that completes has read the conversation",
        "wonderland/audit/running.py",
        "mine = np.flatnonzero(half[chosen] != side)",
        "mine = np.flatnonzero(half[chosen] == side)",
        "a table of counts that read the message seems to know what the model knows",
        (f"{_AUDIT}/test_audit.py::test_a_table_of_counts_has_not_read_the_conversation_that_it_completes",),
    ),
    Mutant(
        "audit: what is read has a higher loss",
        "wonderland/audit/membership.py",
        "reference - forced.mean_losses()",
        "forced.mean_losses() - reference",
        "who was read is told as not read",
        (f"{_AUDIT}/test_membership.py::test_the_score_is_how_much_better_the_model_is_than_the_reference",),
    ),
    Mutant(
        "audit: the likeliest secret ranks last",
        "wonderland/audit/exposure.py",
        "(losses[1:] < losses[0]).sum()",
        "(losses[1:] > losses[0]).sum()",
        "a secret that the model says seems unknown to it",
        (f"{_AUDIT}/test_exposure.py::test_what_a_model_learned_has_all_the_bits_and_takes_one_try",),
    ),
    Mutant(
        "audit: the test asks whether fewer are completed",
        "wonderland/audit/completion.py",
        'alternative="greater"',
        'alternative="less"',
        "a model that says its training text passes",
        (f"{_AUDIT}/test_completion.py::test_only_more_training_than_held_out_completions_are_evidence",),
    ),
    Mutant(
        "audit: the test asks on both sides",
        "wonderland/audit/completion.py",
        'alternative="greater"',
        'alternative="two-sided"',
        "a model that completes fewer than of held-out messages is refused",
        (f"{_AUDIT}/test_completion.py::test_only_more_training_than_held_out_completions_are_evidence",),
    ),
    Mutant(
        "audit: the half that the model holds less of is guessed",
        "wonderland/audit/found.py",
        'np.argsort(p, kind="stable")',
        'np.argsort(-p, kind="stable")',
        "the bound on epsilon is 0 of a model that holds every canary",
        (f"{_AUDIT}/test_found.py::test_canaries_that_the_model_holds_bound_epsilon_and_others_do_not",),
    ),
    Mutant(
        "audit: LiRA with its sides exchanged",
        "wonderland/audit/full.py",
        "((inside, was_in, 1), (outside, ~was_in, -1))",
        "((inside, was_in, -1), (outside, ~was_in, 1))",
        "what was read is told as not read",
        (f"{_AUDIT}/test_full.py::test_what_was_read_is_told_by_each_score_and_hard_texts_are_no_excuse",),
    ),
    Mutant(
        "audit: an audit of other weights counts",
        "wonderland/report/sharing.py",
        "if model and one.model != model:",
        "if False:",
        "the audit of one model lets another out",
        ("tests/report/test_sharing.py::test_an_audit_of_other_weights_is_none",),
    ),
    Mutant(
        "sparse features: the first ones are chosen where they are reported",
        f"{_SPARSE}/features.py",
        "clear = np.maximum(contextual.chosen, 0.5 * best.chosen)",
        "clear = np.maximum(contextual.f1, 0.5 * best.f1)",
        "the cards that come first tell an F1 that is too high",
        (f"{_OF_SPARSE}/test_features.py::test_which_latents_come_first_is_decided_where_labels_are_chosen",),
    ),
    Mutant(
        "attribution graphs: a latent reads its own layer's errors",
        f"{_SPARSE}/replacement.py",
        "rows = self._before(place, layer, 1)",
        "rows = self._before(place, layer, 2)",
        "what flows into a latent is more than it does",
        (f"{_OF_SPARSE}/test_transcoders.py::test_what_comes_into_a_part_is_what_goes_out_of_it",),
    ),
    Mutant(
        "attribution graphs: the scale of a norm moves",
        f"{_SPARSE}/replacement.py",
        "scaled - scaled.mean(-1, keepdim=True)",
        "scaled",
        "a shift of the whole stream seems to do something",
        (f"{_OF_SPARSE}/test_transcoders.py::test_an_edge_into_the_logits_is_the_gradient_times_what_is_written",),
    ),
    Mutant(
        "attribution graphs: an edge is taken out of the queries alone",
        f"{_SPARSE}/removal.py",
        "read @ getattr",
        "(block.ln1(_own(model, one.run[hook_name('resid_pre', layer)])) if name != 'Q' else read) @ getattr",
        "a head keeps what it is said no longer to read",
        (f"{_OF_SPARSE}/test_transcoders.py::test_taking_an_edge_out_is_what_hooks_do",),
    ),
)

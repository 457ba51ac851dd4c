"""The report's words: terms of the field, each in two plain sentences.

The report shows a term's text wherever the term stands; the page "Words explained" lists them all. A text says what
the thing is, then what one sees of it here. No term is explained by another that is not in the list.
"""

from __future__ import annotations

from collections.abc import Sequence

import regex

from wonderland.report.glossary_term import Term, interval_explained

__all__ = ["GLOSSARY", "Term", "interval_explained", "terms_in", "terms_of"]


GLOSSARY: Sequence[Term] = (
    Term(
        "token",
        "The piece of text that the model reads and writes: a word, a part of a word, or a sign. A space belongs to "
        "the token after it and is shown as a dot.",
        ("tokens",),
    ),
    Term(
        "speaker token",
        "A special token that says who writes the next message: me or them. Each message begins with one, so the model "
        "always has a place where it can look up who is speaking.",
        ("speaker tokens",),
    ),
    Term(
        "context",
        "The tokens before the one that is predicted, which are all the model knows of a conversation. This model sees "
        "a fixed number of them and nothing older.",
    ),
    Term(
        "layer",
        "One step of the computation; every token passes all layers in order. Each layer has attention heads and an "
        "MLP, and is written L0, L1 and so on.",
        ("layers",),
    ),
    Term(
        "attention head",
        "A part of a layer that moves information from earlier tokens to the present one. L2H0 is head 0 of layer 2; "
        "both are counted from 0.",
        ("attention heads", "head", "heads"),
    ),
    Term(
        "attention pattern",
        "The shares with which a head looks at each earlier token; they add up to 1. In the picture a row is the token "
        "that looks and a column the token that is looked at.",
        ("attention patterns", "pattern", "attention"),
    ),
    Term(
        "query and key",
        "Two vectors that a head computes: the query of the token that looks and the key of each token that can be "
        "looked at. The better a query fits a key, the larger the share of attention.",
        ("query", "key", "queries", "keys"),
    ),
    Term(
        "value",
        "What a head reads from a token that it looks at. The head adds up the values, each weighted by its share of "
        "attention.",
        ("value vector",),
    ),
    Term(
        "MLP",
        "The part of a layer that works on each token alone, with many neurons side by side. It reads what attention "
        "has collected and adds something new.",
        ("MLPs",),
    ),
    Term(
        "neuron",
        "One unit of an MLP, which is active for some inputs and silent for others. L1N17 is neuron 17 of layer 1.",
        ("neurons",),
    ),
    Term(
        "feature",
        "A direction in the model's inner vectors that stands for one thing, found by a dictionary and not by hand. "
        "L2F339 is feature 339 of layer 2.",
        ("features",),
    ),
    Term(
        "dictionary",
        "Many directions, learned from the model's inner vectors, of which a few at a time add up to each vector. It "
        "is held against one of another start and against scrambled weights, as it finds something anywhere.",
        ("dictionaries", "sparse dictionary", "sparse dictionaries"),
        True,
    ),
    Term(
        "latent",
        "One unit of a dictionary or a transcoder: a direction, and how much of it is there at a token, mostly none. "
        "It is called a feature only where it is found again from another start and the model needs it.",
        ("latents",),
        True,
    ),
    Term(
        "transcoder",
        "A small network that predicts what an MLP writes from what it reads, with a few latents at a time. How much "
        "worse the model guesses with it in the place of the MLP says how much of the MLP it holds.",
        ("transcoders",),
        True,
    ),
    Term(
        "residual stream",
        "The vector that each token carries through the layers; every part reads it and adds to it. What stands in it "
        "at the end decides the prediction.",
    ),
    Term(
        "logit",
        "The score of each possible next token before scores become probabilities. A difference of one between two "
        "logits makes one token 2.7 times as likely as the other.",
        ("logits",),
    ),
    Term(
        "logit difference",
        "The logit of one answer minus the logit of another. It is 0 if the model finds both equally likely.",
        ("gap",),
    ),
    Term(
        "loss",
        "How surprised the model was by the token that really came: minus the logarithm of its probability. Lower is "
        "better; it is measured in nats.",
        ("cross-entropy", "surprise"),
    ),
    Term(
        "nat",
        "The unit of loss and entropy. A loss of 1 nat is a choice between 2.7 equally likely tokens, 3 nats between "
        "20, 4 nats between 55.",
        ("nats",),
    ),
    Term(
        "choices left",
        "The loss as a number of choices, which papers call perplexity: between how many equally likely tokens the "
        "model hesitates. It is e to the power of the loss.",
        ("perplexity",),
    ),
    Term(
        "n-gram",
        "A table of counts that predicts the next token from the few before it: a unigram from none, a bigram from "
        "one, a trigram from two. A model that is no better than such a table has learned no more than it.",
        ("unigram", "unigrams", "bigram", "bigrams", "trigram", "trigrams", "n-grams"),
    ),
    Term(
        "entropy",
        "How spread out a set of shares is: 0 if all lies on one token, highest if all tokens have the same share. A "
        "head with low entropy looks at few tokens.",
    ),
    Term(
        "KL divergence",
        "How far one set of probabilities is from another, in nats. It is 0 only if both are the same.",
        ("KL",),
    ),
    Term(
        "held out",
        "Conversations that were put aside before training, so that the model never read them. Every measurement in "
        "this report that needs text uses these.",
        ("held-out",),
    ),
    Term(
        "interval",
        "How far a number may be off, as other conversations would give another; written [low, high]. "
        + interval_explained("whole conversations"),
        ("95% interval", "confidence interval"),
    ),
    Term(
        "chance level",
        "The value that would be there if the effect did not exist. A number says something only if its interval lies "
        "beyond the chance level.",
        ("chance", "null"),
    ),
    Term(
        "untrained baseline",
        "The same model before training, with random weights. What it shows as well was not learned.",
        ("untrained",),
    ),
    Term(
        "ablation",
        "Taking one part out of the model and measuring how much worse it gets. The part's output is replaced by zero, "
        "by its mean, or by its output on other text.",
        ("ablate", "ablated"),
    ),
    Term(
        "patching",
        "Putting what one part computed on one text into a run on another text. If the answer changes with it, that "
        "part carries the difference between the two texts.",
        ("activation patching", "patched", "patch"),
    ),
    Term(
        "contrast",
        "Two prompts that differ in one respect, with the answer that each should get. Patching asks which part of the "
        "model carries that one difference.",
        ("contrasts",),
    ),
    Term(
        "recovery",
        "The share of the difference between two prompts that comes back when one part is patched. 0% is no effect, "
        "100% the whole difference; it can lie outside these.",
        ("brings back",),
    ),
    Term(
        "circuit",
        "A few parts of the model that together do one job. A circuit is tested by keeping only its parts and "
        "comparing it with random circuits of the same size.",
        ("circuits",),
    ),
    Term(
        "OV circuit",
        "What a head writes for each token that it looks at, computed from its weights alone. A head that writes the "
        "token itself copies.",
        ("OV",),
    ),
    Term(
        "composition",
        "A later head that reads what an earlier head wrote, through its query, key or value. It is measured from the "
        "weights and compared with random rotations of them.",
    ),
    Term(
        "induction",
        "Repeating a pattern that was just seen: after A B ... A, expecting B. In larger models two heads together do "
        "this.",
        ("induction head", "induction heads"),
    ),
    Term(
        "attention sink",
        "A head that looks at the first token only because it has nothing to do. It looks like a head with a job, and "
        "writes almost nothing.",
        ("sink",),
    ),
    Term(
        "AUC",
        "Of one thing that was read and one that was not, how often the one that was read scores higher; in general, "
        "of a yes and a no. 0.5 is guessing, 1 is always.",
    ),
    Term(
        "FVU",
        "The share of the variance of vectors that is left when something stands in for them. 0 says that all is "
        "held, 1 that no more is than their mean.",
        (),
        True,
    ),
    Term(
        "ΔCE",
        "By how much the loss rises, in nats a token, when something stands in for a part of the model. 0 is no loss.",
        (),
        True,
    ),
    Term(
        "AUROC",
        "Of a place that has a property and one that has not, how often a unit is higher at the first. It is the same "
        "measure as AUC, here of one unit of the model: 0.5 is guessing, 1 is always.",
        (),
        True,
    ),
    Term(
        "F1",
        "How well a rule tells where something stands: the harmonic mean of the share of its hits that are right and "
        "the share of all places that it hits. 1 is right every time; by chance it is about as high as the thing is "
        "frequent.",
        (),
        True,
    ),
    Term(
        "p value",
        "How often chance alone would give a number at least this large. A small p says that chance is a poor "
        "explanation, and not how large or important the effect is.",
        ("p =", "p <"),
    ),
    Term(
        "q value",
        "A p value made stricter because many things were tested at once, of which some look good by chance. Among all "
        "that are called found at q < 0.05, about one in twenty is expected to be false.",
        ("q =", "q <"),
    ),
    Term(
        "z score",
        "How far a number is from the mean that chance gives, counted in standard deviations of chance. Between −2 and "
        "2 is usual without any effect.",
        ("z scores", "z =", "z >"),
    ),
    Term(
        "probe",
        "A small classifier that tries to read something, such as who speaks, from the model's inner vectors. That it "
        "succeeds shows that it can be read there, and not that the model uses it.",
        ("probes", "linear probe"),
    ),
    Term(
        "silhouette",
        "How well things fall into groups, from −1 to 1: how much nearer each is to its own group than to the next. "
        "Near 0 the groups run into each other.",
    ),
    Term(
        "singular values",
        "How much a matrix stretches along each of its own directions, largest first. If the first is far larger than "
        "the second (σ₁/σ₂), the head does nearly the same to everything it reads.",
        ("singular value", "σ₁/σ₂"),
    ),
    Term(
        "effective rank",
        "Between how many directions a matrix shares out what it does; 1 if it has only one. It is computed from all "
        "its singular values.",
    ),
    Term(
        "rotation null",
        "The chance level of a number computed from weights: the same number after a weight matrix was turned in "
        "random directions. What stays as high under rotations comes from the size of the weights and not from their "
        "directions.",
        ("rotations", "rotation", "rotated weights"),
    ),
    Term(
        "causal scrubbing",
        "A test of an explanation: everything that it calls unimportant is replaced by the same from other texts. If "
        "the model then behaves as before, the explanation holds so far.",
    ),
    Term(
        "logit lens",
        "Reading the residual stream after each layer as if it were the last. It shows at which layer an answer "
        "appears.",
    ),
)


def terms_of(text: str) -> list[Term]:
    """Return the terms that a page with this text lists: those that every page does, and of the others those in it."""
    return [term for term in GLOSSARY if not term.where_used or _PATTERNS[term.name].search(text)]


def terms_in(text: str) -> list[Term]:
    """Return the terms that stand in a text, in the order of the glossary.

    >>> [term.name for term in terms_in("Heads lose 0.1 nats a token")]
    ['token', 'attention head', 'nat']
    """
    return [term for term in GLOSSARY if _PATTERNS[term.name].search(text)]


_PATTERNS = {
    term.name: regex.compile(rf"(?i)(?<![\w-])(?:{'|'.join(map(regex.escape, term.forms))})(?![\w-])")
    for term in GLOSSARY
}

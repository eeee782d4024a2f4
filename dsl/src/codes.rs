//! The stable codes of diagnostics. A code keeps its meaning for ever; one that is no longer given is not used again.

macro_rules! codes {
    ($($(#[doc = $group:literal])? $name:ident = $code:literal, $title:literal;)*) => {
        $(#[doc = $title] pub const $name: &str = $code;)*

        /// All codes with a line on each, in order.
        pub const ALL: &[(&str, &str)] = &[$(($code, $title)),*];
    };
}

codes! {
    TOO_LONG = "E0101", "the text is longer than a rule may be";
    BAD_CHARACTER = "E0102", "a character that the language does not have";
    UNTERMINATED = "E0103", "a text or a quoted name that does not end";
    NUMBER_RANGE = "E0104", "a number outside its range";
    SYNTAX = "E0105", "something else was expected here";
    TOO_DEEP = "E0106", "nested too deeply";
    RESERVED = "E0107", "a reserved word where a name belongs";
    CLAUSE_TWICE = "E0108", "a clause that comes twice";
    CLAUSE_ORDER = "E0109", "a clause out of order";
    NO_EVENT = "E0110", "a rule without EVENT";
    TWO_RULES = "E0111", "a second rule in the text";
    QUOTES = "E0112", "text in the wrong quotes";

    DUPLICATE_STAGE = "E0201", "two stages with one name";
    STAGE_NAME = "E0202", "a stage called like an attribute";
    SUFFIX_ALONE = "E0203", "a suffix without a quantifier";
    OPTIONAL_TWICE = "E0204", "OPTIONAL on what is optional already";
    TWO_QUANTIFIERS = "E0205", "two quantifiers on one stage";
    ZERO_TIMES = "E0206", "a quantifier that allows no event";
    MIN_MAX = "E0207", "a quantifier whose minimum is above its maximum";
    SUFFIX_TWICE = "E0208", "a suffix that comes twice";
    ANY_BEFORE_NOT = "E0209", "`->>` before a negation";
    QUANTIFIED_NOT = "E0210", "a negation with a quantifier";
    NOT_GROUP = "E0211", "a negation of a group";
    LEADING_NOT = "E0212", "a negation that begins a pattern or group";
    NOT_INSIDE = "E0213", "a negation inside `|` or `&`";
    GROUP_IN_ALL = "E0214", "a group inside `&`";
    BOUND_BEFORE_NOT = "E0215", "a bound before a negation";
    BOUND_BEFORE_EMPTY = "E0216", "a bound before what may be empty";
    ABSENCE_WITHOUT_WITHIN = "E0217", "an absence at the end without WITHIN in a continuous task";

    UNIT = "E0301", "an unknown unit of time";
    DURATION_FORM = "E0302", "a duration that is not written as whole numbers with falling units";
    DURATION_RANGE = "E0303", "a duration outside its range";
    SKIP_TARGET = "E0304", "SKIP TO a stage that takes no events";
    TRENDS_AFTER_MATCH = "E0305", "TRENDS beside an AFTER MATCH that discards matches";
    PARTITION_TWICE = "E0306", "a partition attribute that comes twice";
    TRENDS_ON_TIMEOUT = "E0307", "ON TIMEOUT beside TRENDS";

    UNKNOWN_STAGE = "E0401", "no stage has this name";
    UNKNOWN_ATTRIBUTE = "E0402", "no attribute begins with this word";
    NOT_A_VALUE = "E0403", "a stage where a value belongs";
    WHICH_STAGE = "E0404", "an attribute that does not say of which stage";
    BARE_ONLY = "E0405", "a stage where only bare attributes belong";
    UNKNOWN_FUNCTION = "E0406", "no function has this name";
    ARGUMENTS = "E0407", "a function with the wrong arguments";
    NO_STAGE = "E0408", "a condition that mentions no stage";
    FORBIDDEN_AND_LATER = "E0409", "a condition on a forbidden stage and a later one";
    MIXED_AGGREGATE = "E0410", "an aggregate of a stage beside its event under test";
    NOT_UNDER_TEST = "E0411", "RUNNING, PRIOR or PREV of a stage that is not under test";
    MODIFIER_PLACE = "E0412", "RUNNING, PRIOR, PREV or TRENDS where it has no meaning";
    EXCLUSIVE = "E0413", "a condition over two branches of which only one is taken";
    NOT_A_CONDITION = "E0414", "a value where a condition belongs";
    CHAINED = "E0415", "comparisons in a chain";
    FORBIDDEN_VALUE = "E0416", "a value of a stage that takes no events";
    DUPLICATE_RETURN = "E0417", "two returned values with one name";
    TRENDS_MIXED = "E0418", "TRENDS beside values of single matches";
    PATTERN_TEXT = "E0419", "LIKE or MATCHES without a text";
    LATER_STAGE = "E0420", "UNTIL looks at a stage that comes after its loop";
    UNKNOWN_VALUE = "E0421", "no returned value has this name";

    JSON = "E0501", "not JSON";
    JSON_TYPE = "E0502", "a value of the wrong type";
    JSON_VALUE = "E0503", "a value that is not allowed here";
    MISSING_KEY = "E0504", "a key that must be there is not";
    DUPLICATE_ID = "E0505", "two tasks with one id in a set";
    UNKNOWN_CONTROL = "E0506", "an unknown key where every key is a control";
    NOT_BUILT = "E0507", "a control that this version does not have";
    NO_RULE = "E0508", "a task without a rule";
    NO_PYTHON = "E0509", "a script where no Python runs";
    NO_ON_TIMEOUT = "E0510", "an output on timeouts that the rule does not report";
    TIMEOUT_WITH_TRIGGER = "E0511", "ON TIMEOUT in a task with a trigger";
    COMPILED_RULE = "E0512", "a compiled rule that cannot be read";
    EVENT_CYCLE = "E0513", "events that lead back to the task that makes them";
    NO_SCRIPT = "E0514", "a script that is not there";
    SCRIPT_IMPORT = "E0515", "a script that cannot be imported";
    SCRIPT_TRIGGER = "E0516", "a script in a task without a trigger";
    CONTRADICTION = "E0517", "controls that cannot hold together";

    TOO_MANY_STATES = "E0601", "a rule over a limit of the matcher";
    REFUSED_BY_MATCHER = "E0602", "a construct that the matcher refuses";

    TEST_FAILED = "E0701", "a test of a task that does not get what it expects";
    TEST_EVENT = "E0702", "an event of a test that is none";

    COMMENT_ARROW = "W0101", "`-->` begins a comment";
    SEES_EVERYTHING = "W0201", "every event of the stream must be kept";
    STAGE_NEVER = "W0202", "conditions that never hold together";
    STAGE_UNSAID = "W0203", "a stage that no condition mentions";
    GREEDY_IDLE = "W0204", "GREEDY that changes nothing";
    STAGE_FILTERED = "W0205", "a stage whose events the filter keeps out";
    NO_WITHIN = "W0301", "no WITHIN: the engine's default window holds";
    WITHIN_PREVIOUS = "W0302", "OF PREVIOUS bounds the last step only";
    SKIP_WAITS = "W0303", "under SKIP a finished match waits";
    TRENDS_WAYS = "W0304", "TRENDS counts ways, not matches";
    SKIP_OPEN_LOOP = "W0305", "under SKIP an open loop holds matches back until the window ends";
    COMPARED_WITH_NULL = "W0401", "a comparison with NULL is never true";
    TYPES_DIFFER = "W0402", "values of different types";
    UNKNOWN_KEY = "W0501", "an unknown key";
    SCRIPT_AND_RULE = "W0502", "a task with a script and a rule";
    VERSIONS_DIFFER = "W0504", "documents of one set with different versions";
    ABSENCE_OF_TRIGGER = "W0505", "an absence of the event that triggers the task";
    CAP_IDLE = "W0506", "a cap that can never be reached";
    RETURN_UNREAD = "W0507", "returned values that no output reads";
    SCHEMA_ACTION_TYPE = "W0601", "an action type that the schema does not have";
    SCHEMA_ATTRIBUTE = "W0602", "an attribute that the schema does not have";
    DATA_ATTRIBUTE = "W0603", "an attribute that never occurs in the data";
    DATA_VALUE = "W0604", "a value that never occurs in the data";
}

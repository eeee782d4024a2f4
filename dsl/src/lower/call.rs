//! Calls: aggregates over the events of a stage, PREV, and functions of values.

use std::sync::Arc;

use ensue_rule::{AggFn, Attr, Expr, ExprKind, Func, Scope, Span};

use super::expr::{Lowering, Place};
use crate::ast::{self, Call, Name};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::token::shorten;

const AGGREGATES: [(&str, AggFn); 7] = [
    ("COUNT", AggFn::Count),
    ("SUM", AggFn::Sum),
    ("AVG", AggFn::Avg),
    ("MIN", AggFn::Min),
    ("MAX", AggFn::Max),
    ("FIRST", AggFn::First),
    ("LAST", AggFn::Last),
];

/// The functions of values with the least and the most arguments they take.
const FUNCTIONS: [(&str, Func, usize, usize); 10] = [
    ("LOWER", Func::Lower, 1, 1),
    ("LENGTH", Func::Length, 1, 1),
    ("ABS", Func::Abs, 1, 1),
    ("COALESCE", Func::Coalesce, 1, usize::MAX),
    ("SUBSTR", Func::Substr, 2, 3),
    ("URL_HOST", Func::UrlHost, 1, 1),
    ("URL_PATH", Func::UrlPath, 1, 1),
    ("URL_PARAM", Func::UrlParam, 2, 2),
    ("HOUR", Func::Hour, 1, 1),
    ("WEEKDAY", Func::Weekday, 1, 1),
];

/// The name of a function in the language.
pub(crate) fn function_name(func: Func) -> &'static str {
    FUNCTIONS.iter().find(|(_, f, ..)| *f == func).map_or("", |(name, ..)| name)
}

/// The name of an aggregate in the language.
pub(crate) fn aggregate_name(func: AggFn) -> &'static str {
    AGGREGATES.iter().find(|(_, f)| *f == func).map_or("", |(name, _)| name)
}

/// A stage, and what of its events.
struct Operand {
    stage: Arc<str>,
    attr: Option<Attr>,
}

impl Lowering<'_, '_> {
    pub(super) fn call(&mut self, call: &Call, span: Span) -> Option<ExprKind> {
        let name = call.name.text.as_str();
        if let Some((name, func)) = AGGREGATES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            return self.aggregate(name, *func, call, span);
        }
        if let Some(modifier) = &call.modifier {
            let message = format!("{} stands before an aggregate", modifier.text.to_uppercase());
            let d = Diagnostic::error(codes::MODIFIER_PLACE, message).at(modifier.span);
            return self.refuse(d.hint("as in `RUNNING SUM(v.args.price)`"));
        }
        if call.star || call.distinct.is_some() {
            let d = Diagnostic::error(codes::ARGUMENTS, "only COUNT and SUM take DISTINCT, and only COUNT takes `*`");
            return self.refuse(d.at(call.distinct.unwrap_or(span)).hint("leave it out"));
        }
        if name.eq_ignore_ascii_case("PREV") {
            return self.prev(call, span);
        }
        match FUNCTIONS.iter().find(|(n, ..)| n.eq_ignore_ascii_case(name)) {
            Some((name, func, least, most)) => self.function(name, *func, (*least, *most), call),
            None => self.unknown_function(&call.name),
        }
    }

    fn unknown_function<T>(&mut self, name: &Name) -> Option<T> {
        let message = format!("there is no function `{}`", shorten(&name.text));
        let known = AGGREGATES.iter().map(|(n, _)| *n).chain(FUNCTIONS.iter().map(|(n, ..)| *n)).chain(["PREV"]);
        let d = Diagnostic::error(codes::UNKNOWN_FUNCTION, message).at(name.span);
        self.refuse(match name.text.to_uppercase().as_str() {
            "NOW" | "CURRENT_TIMESTAMP" => d.hint("rules know no clock: compare the `ts` of events, or use WITHIN"),
            "LEN" | "SIZE" => d.hint("did you mean `LENGTH`?"),
            "UPPER" => d.hint("compare in lower case: LOWER(x)"),
            other => d.hint(crate::suggest::hint(other, known, "docs/dsl.md lists the functions")),
        })
    }

    fn function(&mut self, name: &str, func: Func, (least, most): (usize, usize), call: &Call) -> Option<ExprKind> {
        let count = call.args.len();
        if count < least || count > most {
            let takes = match (least, most) {
                (1, 1) => "1 argument".to_owned(),
                (l, usize::MAX) => format!("at least {l} argument"),
                (l, m) if l == m => format!("{l} arguments"),
                (l, m) => format!("{l} to {m} arguments"),
            };
            let d =
                Diagnostic::error(codes::ARGUMENTS, format!("{name} takes {takes}, not {count}")).at(call.name.span);
            return self.refuse(d.hint(format!("as in `{}`", example(func))));
        }
        let args = match func {
            Func::Hour | Func::Weekday => vec![self.moment(name, call.args.first()?)?],
            _ => self.all(&call.args)?,
        };
        Some(ExprKind::Call { func, args })
    }

    /// The argument of HOUR and WEEKDAY: a stage, as the time of its event.
    fn moment(&mut self, name: &str, arg: &ast::Expr) -> Option<Expr> {
        if let ast::ExprKind::Path(path) = &arg.kind
            && self.place != Place::When
        {
            if let [stage] = path.as_slice()
                && let Some(at) = self.names.find(&stage.text)
            {
                self.may_look_at(at, stage)?;
                return Some(Expr::attr(&stage.text, Attr::Ts).at(arg.span));
            }
            let lowered = self.path(path)?;
            if matches!(lowered.kind, ExprKind::Attr { attr: Attr::Ts, .. }) {
                return Some(lowered);
            }
        }
        let d = Diagnostic::error(codes::ARGUMENTS, format!("{name} takes a stage: the local time of its event"));
        self.refuse(d.at(arg.span).hint(format!("as in `{name}({})`", self.names.example())))
    }

    fn prev(&mut self, call: &Call, span: Span) -> Option<ExprKind> {
        if self.place != Place::Where {
            return self.modifier_place("PREV", call.name.span);
        }
        let operand = self.operand("PREV", call, span)?;
        match operand.attr {
            Some(attr) => Some(ExprKind::Prev { stage: operand.stage, attr }),
            None => self.needs_attr("PREV", &operand.stage, span),
        }
    }

    fn aggregate(&mut self, name: &str, func: AggFn, call: &Call, span: Span) -> Option<ExprKind> {
        if self.place == Place::When {
            let d = Diagnostic::error(codes::UNKNOWN_VALUE, "`when` looks at returned values, not at events").at(span);
            return self.refuse(d.hint("RETURN it AS a name, and write the name here"));
        }
        let scope = self.scope(call)?;
        if scope == Scope::Trends {
            return self.trends(func, call, span);
        }
        if call.star {
            let d = Diagnostic::error(codes::ARGUMENTS, format!("{name}(*) is over matches, which only TRENDS is"));
            return self
                .refuse(d.at(span).hint(format!("COUNT({}) counts the events of a stage", self.names.example())));
        }
        let Operand { stage, attr } = self.operand(name, call, span)?;
        let distinct = self.distinct(func, call, attr.as_ref())?;
        if attr.is_none() && func != AggFn::Count {
            return self.needs_attr(name, &stage, span);
        }
        Some(ExprKind::Aggregate { func, scope, distinct, stage: Some(stage), attr })
    }

    fn scope(&mut self, call: &Call) -> Option<Scope> {
        let Some(modifier) = &call.modifier else { return Some(Scope::All) };
        let word = modifier.text.to_uppercase();
        match (word.as_str(), self.place) {
            ("RUNNING", Place::Where) => Some(Scope::Running),
            ("PRIOR", Place::Where) => Some(Scope::Prior),
            ("TRENDS", Place::Return) => Some(Scope::Trends),
            _ => self.modifier_place(&word, modifier.span),
        }
    }

    fn modifier_place<T>(&mut self, word: &str, span: Span) -> Option<T> {
        let d = Diagnostic::error(codes::MODIFIER_PLACE, format!("{word} has no meaning here")).at(span);
        self.refuse(d.hint(match word {
            "TRENDS" => "TRENDS belongs into RETURN",
            _ => "RUNNING, PRIOR and PREV look from the event under test, which only WHERE has",
        }))
    }

    fn distinct(&mut self, func: AggFn, call: &Call, attr: Option<&Attr>) -> Option<bool> {
        let Some(span) = call.distinct else { return Some(false) };
        let d = match (func, attr) {
            (AggFn::Count | AggFn::Sum, Some(_)) => return Some(true),
            (AggFn::Count, None) => Diagnostic::error(codes::ARGUMENTS, "events are always different")
                .hint("name an attribute: `COUNT(DISTINCT v.args.item)`"),
            _ => Diagnostic::error(codes::ARGUMENTS, "only COUNT and SUM take DISTINCT").hint("leave it out"),
        };
        self.refuse(d.at(span))
    }

    /// `COUNT(*)`, `COUNT(v)`, `SUM(v.x)` over all matches.
    fn trends(&mut self, func: AggFn, call: &Call, span: Span) -> Option<ExprKind> {
        let scope = Scope::Trends;
        if call.star && func == AggFn::Count {
            return Some(ExprKind::Aggregate { func, scope, distinct: false, stage: None, attr: None });
        }
        if !call.star && call.distinct.is_none() {
            let Operand { stage, attr } = self.operand("TRENDS", call, span)?;
            if matches!((func, &attr), (AggFn::Count, None) | (AggFn::Sum, Some(_))) {
                return Some(ExprKind::Aggregate { func, scope, distinct: false, stage: Some(stage), attr });
            }
        }
        let d = Diagnostic::error(codes::ARGUMENTS, "TRENDS has COUNT(*), COUNT(v) and SUM(v.x) only").at(span);
        self.refuse(d.hint("what these can't say needs the matches one by one: leave TRENDS out"))
    }

    /// The stage and attribute that an aggregate is over.
    fn operand(&mut self, name: &str, call: &Call, span: Span) -> Option<Operand> {
        let [ast::Expr { kind: ast::ExprKind::Path(path), .. }] = call.args.as_slice() else {
            return self.not_an_operand(name, span);
        };
        let (first, rest) = path.split_first()?;
        let Some(at) = self.names.find(&first.text) else {
            if Attr::built_in(&first.text).is_some() || matches!(first.text.as_str(), "args" | "extra_info") {
                return self.not_an_operand(name, span);
            }
            self.sink.add(|| self.names.unknown(first));
            return None;
        };
        self.may_look_at(at, first)?;
        if self.names.is_forbidden(at) {
            let message = format!("`{}` is forbidden: a match has no event of it", shorten(&first.text));
            let d = Diagnostic::error(codes::FORBIDDEN_VALUE, message).at(first.span);
            return self.refuse(d.hint("name a stage that takes events"));
        }
        let attr = if rest.is_empty() { None } else { Some(self.attr(rest)?) };
        Some(Operand { stage: first.text.as_str().into(), attr })
    }

    fn not_an_operand<T>(&mut self, name: &str, span: Span) -> Option<T> {
        let v = self.names.example();
        let d = Diagnostic::error(codes::ARGUMENTS, format!("{name} is over the events of one stage")).at(span);
        self.refuse(d.hint(match name {
            "COUNT" => format!("as in `COUNT({v})`, or `COUNT({v}.args.x)`"),
            _ => format!("as in `{name}({v}.args.x)`"),
        }))
    }

    fn needs_attr<T>(&mut self, name: &str, stage: &str, span: Span) -> Option<T> {
        let d = Diagnostic::error(codes::ARGUMENTS, format!("{name} needs an attribute of `{}`", shorten(stage)));
        self.refuse(d.at(span).hint(format!("as in `{name}({}.args.x)`", crate::format::name(stage))))
    }
}

fn example(func: Func) -> &'static str {
    match func {
        Func::Lower => "LOWER(v.scene)",
        Func::Length => "LENGTH(v.scene)",
        Func::Abs => "ABS(v.args.delta)",
        Func::Coalesce => "COALESCE(v.args.price, 0)",
        Func::Substr => "SUBSTR(v.scene, 1, 4)",
        Func::UrlHost => "URL_HOST(v.scene)",
        Func::UrlPath => "URL_PATH(v.scene)",
        Func::UrlParam => "URL_PARAM(v.scene, 'id')",
        Func::Hour => "HOUR(v)",
        Func::Weekday => "WEEKDAY(v)",
    }
}

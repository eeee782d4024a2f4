//! The functions and the arithmetic of the rule language: total, null where there is no answer.

use ensue_rule::{BinaryOp, Func, Value};

/// The offset of a local instant, in milliseconds, to its hour and its ISO weekday.
const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// `-x`: null on overflow and for what is no number.
pub(super) fn negate(x: &Value) -> Value {
    match x {
        Value::Int(i) => i.checked_neg().map_or(Value::Null, Value::Int),
        Value::Float(f) => Value::Float(-f),
        _ => Value::Null,
    }
}

/// `+ - * / %`. `/` is float; integers stay integers elsewhere; division by zero and overflow are null.
pub(crate) fn arithmetic(op: BinaryOp, x: &Value, y: &Value) -> Value {
    if let (Value::Int(a), Value::Int(b)) = (x, y) {
        let whole = match op {
            BinaryOp::Add => a.checked_add(*b),
            BinaryOp::Sub => a.checked_sub(*b),
            BinaryOp::Mul => a.checked_mul(*b),
            BinaryOp::Rem => a.checked_rem(*b),
            _ => return float(op, x, y),
        };
        return whole.map_or(Value::Null, Value::Int);
    }
    float(op, x, y)
}

fn float(op: BinaryOp, x: &Value, y: &Value) -> Value {
    let (Some(a), Some(b)) = (x.as_f64(), y.as_f64()) else { return Value::Null };
    let result = match op {
        BinaryOp::Add => a + b,
        BinaryOp::Sub => a - b,
        BinaryOp::Mul => a * b,
        BinaryOp::Div => a / b,
        BinaryOp::Rem => a % b,
        _ => return Value::Null,
    };
    if result.is_finite() { Value::Float(result) } else { Value::Null }
}

/// How many values a DISTINCT register holds.
pub(super) fn distinct_count(of: &Value) -> Value {
    match of {
        Value::List(items) => Value::Int(i64::try_from(items.len()).unwrap_or(i64::MAX)),
        _ => Value::Int(0),
    }
}

/// The sum of the values that a DISTINCT register holds.
pub(super) fn distinct_sum(of: &Value) -> Value {
    match of {
        Value::List(items) => items.iter().fold(Value::Int(0), |sum, v| arithmetic(BinaryOp::Add, &sum, v)),
        _ => Value::Int(0),
    }
}

/// A function of its arguments; a missing argument is null.
pub(super) fn call(func: Func, args: &[Value]) -> Value {
    let arg = |i: usize| args.get(i).unwrap_or(&Value::Null);
    match func {
        Func::Lower => arg(0).as_str().map_or(Value::Null, |s| s.to_lowercase().into()),
        Func::Length => match arg(0) {
            Value::Str(s) => int(s.chars().count()),
            Value::List(l) => int(l.len()),
            _ => Value::Null,
        },
        Func::Abs => match arg(0) {
            Value::Int(i) => i.checked_abs().map_or(Value::Null, Value::Int),
            Value::Float(f) => Value::Float(f.abs()),
            _ => Value::Null,
        },
        Func::Coalesce => args.iter().find(|v| !v.is_null()).cloned().unwrap_or_default(),
        Func::Substr => substr(arg(0), arg(1), args.get(2)),
        Func::UrlHost => arg(0).as_str().and_then(|s| Url::of(s).host()).map_or(Value::Null, Into::into),
        Func::UrlPath => arg(0).as_str().map_or(Value::Null, |s| Url::of(s).path.into()),
        Func::UrlParam => match (arg(0).as_str(), arg(1).as_str()) {
            (Some(url), Some(name)) => Url::of(url).param(name).map_or(Value::Null, Into::into),
            _ => Value::Null,
        },
        Func::Hour => local(arg(0), |ms| ms.rem_euclid(DAY_MS) / HOUR_MS),
        // Day 0 of the epoch was a Thursday, day 4 of an ISO week.
        Func::Weekday => local(arg(0), |ms| (ms.div_euclid(DAY_MS) + 3).rem_euclid(7) + 1),
    }
}

fn int(n: usize) -> Value {
    Value::Int(i64::try_from(n).unwrap_or(i64::MAX))
}

fn local(time: &Value, f: impl Fn(i64) -> i64) -> Value {
    match time {
        Value::Int(ms) => Value::Int(f(*ms)),
        _ => Value::Null,
    }
}

/// `SUBSTR(text, from [, length])`: characters, the first is 1, as in SQL.
fn substr(text: &Value, from: &Value, length: Option<&Value>) -> Value {
    let (Some(s), Value::Int(from)) = (text.as_str(), from) else { return Value::Null };
    let skip = usize::try_from(from.saturating_sub(1)).unwrap_or(0);
    let take = match length {
        None => usize::MAX,
        Some(Value::Int(n)) => usize::try_from(*n).unwrap_or(0),
        Some(_) => return Value::Null,
    };
    s.chars().skip(skip).take(take).collect::<String>().into()
}

/// The parts of a URL. What is behind `#` is none of them, and `?` ends what can be host or path: what stands behind it is
/// often a URL itself.
struct Url<'a> {
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Url<'a> {
    fn of(text: &'a str) -> Self {
        let text = text.split_once('#').map_or(text, |(before, _)| before);
        let (text, query) = text.split_once('?').map_or((text, None), |(before, query)| (before, Some(query)));
        let Some(rest) = without_scheme(text).strip_prefix("//") else {
            return Self { authority: None, path: text, query };
        };
        let (authority, path) = rest.find('/').and_then(|at| rest.split_at_checked(at)).unwrap_or((rest, "/"));
        Self { authority: Some(authority), path, query }
    }

    /// Without user and port. The address of an IPv6 host has colons of its own, in brackets.
    fn host(&self) -> Option<&'a str> {
        let host = self.authority?.rsplit('@').next()?;
        let host = if host.starts_with('[') { host.get(..=host.find(']')?)? } else { host.split(':').next()? };
        Some(host).filter(|h| !h.is_empty())
    }

    /// The value of a query parameter as it stands, not decoded.
    fn param(&self, name: &str) -> Option<&'a str> {
        self.query?.split('&').find_map(|pair| match pair.split_once('=') {
            Some((key, value)) => (key == name).then_some(value),
            None => (pair == name).then_some(""),
        })
    }
}

/// What stands behind `https:`; all, where no scheme is before it.
fn without_scheme(text: &str) -> &str {
    let is_scheme = |s: &str| {
        s.starts_with(|c: char| c.is_ascii_alphabetic())
            && s.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
    };
    text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)).map_or(text, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_has_null_where_there_is_no_answer() {
        let f = |op, a: Value, b: Value| arithmetic(op, &a, &b);
        assert_eq!(f(BinaryOp::Add, 1.into(), 2.into()), 3.into());
        assert_eq!(f(BinaryOp::Div, 1.into(), 2.into()), 0.5.into());
        assert_eq!(f(BinaryOp::Div, 1.into(), 0.into()), Value::Null);
        assert_eq!(f(BinaryOp::Rem, 1.into(), 0.into()), Value::Null);
        assert_eq!(f(BinaryOp::Add, i64::MAX.into(), 1.into()), Value::Null);
        assert_eq!(f(BinaryOp::Add, 1.into(), "x".into()), Value::Null);
        assert_eq!(f(BinaryOp::Mul, 2.into(), 1.5.into()), 3.0.into());
    }

    #[test]
    fn urls_and_times() {
        let url = Value::from("https://u@m.example.com:80/a/b?x=1&y#z");
        assert_eq!(call(Func::UrlHost, std::slice::from_ref(&url)), "m.example.com".into());
        assert_eq!(call(Func::UrlPath, std::slice::from_ref(&url)), "/a/b".into());
        assert_eq!(call(Func::UrlParam, &[url.clone(), "x".into()]), "1".into());
        assert_eq!(call(Func::UrlParam, &[url, "q".into()]), Value::Null);
        assert_eq!(call(Func::Weekday, &[0.into()]), 4.into());
        assert_eq!(call(Func::Weekday, &[(-DAY_MS).into()]), 3.into());
        assert_eq!(call(Func::Hour, &[(-1).into()]), 23.into());
        assert_eq!(call(Func::Substr, &["größe".into(), 3.into(), 2.into()]), "öß".into());
    }

    #[test]
    fn what_is_behind_a_question_mark_or_a_hash_is_neither_host_nor_path() {
        let parts = |url: &str| {
            let host = call(Func::UrlHost, &[url.into()]);
            (host, call(Func::UrlPath, &[url.into()]), call(Func::UrlParam, &[url.into(), "q".into()]))
        };
        let cases: [(&str, Option<&str>, &str, Option<&str>); 10] = [
            ("https://shop.de?next=/y", Some("shop.de"), "/", None),
            ("https://shop.de#/list", Some("shop.de"), "/", None),
            ("/login?to=https://evil.example/z", None, "/login", None),
            ("https://user:pw@[::1]:80/a#x?q=1&flag", Some("[::1]"), "/a", None),
            ("//cdn.example:8080/a?q=1#q=2", Some("cdn.example"), "/a", Some("1")),
            ("app+x://home/?flag&q", Some("home"), "/", Some("")),
            ("/a//b", None, "/a//b", None),
            ("page", None, "page", None),
            ("file:///a", None, "/a", None),
            ("https://[::1", None, "/", None),
        ];
        for (url, host, path, q) in cases {
            let text = |part: Option<&str>| part.map_or(Value::Null, Into::into);
            assert_eq!(parts(url), (text(host), path.into(), text(q)), "{url}");
        }
    }
}

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
        Func::UrlHost => arg(0).as_str().and_then(url_host).map_or(Value::Null, Into::into),
        Func::UrlPath => arg(0).as_str().map_or(Value::Null, |s| url_path(s).into()),
        Func::UrlParam => match (arg(0).as_str(), arg(1).as_str()) {
            (Some(url), Some(name)) => url_param(url, name).map_or(Value::Null, Into::into),
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

/// What stands between `//` and the next `/`, `?`, `#` or `:`.
fn url_host(url: &str) -> Option<&str> {
    let rest = url.split_once("//")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    host.split(':').next().filter(|h| !h.is_empty())
}

/// The path: from the first `/` after the host to `?` or `#`.
fn url_path(url: &str) -> &str {
    let rest = match url.split_once("//") {
        Some((_, rest)) => rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/"),
        None => url,
    };
    rest.split(['?', '#']).next().unwrap_or("")
}

/// The value of a query parameter as it stands, not decoded.
fn url_param<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let query = url.split_once('?')?.1.split('#').next()?;
    query.split('&').find_map(|pair| match pair.split_once('=') {
        Some((key, value)) => (key == name).then_some(value),
        None => (pair == name).then_some(""),
    })
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
}

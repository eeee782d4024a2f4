//! The thin JNI entry for `record`: a call of the Kotlin of `UniFFI` costs 10 to 20 microseconds, this one a few hundred
//! nanoseconds (docs of the bindings say with which commands).
//!
//! An event comes packed in the first bytes of an array ([`crate::packed`]). It is copied out of the JVM's heap, because
//! the collector may not be held up while the engine works.

use jni::objects::{JByteArray, JClass};
use jni::sys::{jint, jlong};
use jni::{Env, EnvUnowned, Outcome, jni_mangle};

use crate::event::Recorded;
use crate::{opened, packed};

/// Events of so many bytes are copied to the stack.
const SMALL: usize = 256;

/// Records the packed event in the first `length` bytes of `event` with the engine of that number. Gives the number of
/// what became of it: [`Recorded::number`]. It never throws.
#[jni_mangle("dev.ensue.internal.NativeEntry", "record")]
#[allow(unreachable_pub, reason = "the JVM finds it by its symbol; jni_mangle wants it public")]
pub extern "system" fn record<'l>(
    mut env: EnvUnowned<'l>,
    _class: JClass<'l>,
    engine: jlong,
    event: JByteArray<'l>,
    length: jint,
) -> jint {
    let recorded = env.with_env(|env| -> jni::errors::Result<jint> {
        let number = u64::try_from(engine).unwrap_or(u64::MAX);
        let recorded =
            opened::with(number, |engine| copied(env, &event, length, |bytes| packed::record(engine, bytes)));
        Ok(recorded.transpose()?.unwrap_or(Recorded::Closed).number().into())
    });
    match recorded.into_outcome() {
        Outcome::Ok(recorded) => recorded,
        // An array that is shorter than it says, or a panic, which is caught here.
        Outcome::Err(_) | Outcome::Panic(_) => Recorded::Malformed.number().into(),
    }
}

/// Hands on the first `length` bytes of an array.
fn copied<T>(
    env: &mut Env<'_>,
    array: &JByteArray<'_>,
    length: jint,
    take: impl FnOnce(&[u8]) -> T,
) -> jni::errors::Result<T> {
    let length = usize::try_from(length).unwrap_or(0).min(array.len(env)?);
    if length > SMALL {
        let mut signed = vec![0_i8; length];
        array.get_region(env, 0, &mut signed)?;
        return Ok(take(&signed.into_iter().map(i8::cast_unsigned).collect::<Vec<u8>>()));
    }
    let (mut signed, mut bytes) = ([0_i8; SMALL], [0_u8; SMALL]);
    let (signed, bytes) = (signed.split_at_mut(length).0, bytes.split_at_mut(length).0);
    array.get_region(env, 0, signed)?;
    // A loop that the compiler knows for a copy; extending a list, it does not.
    for (to, from) in bytes.iter_mut().zip(signed.iter()) {
        *to = from.cast_unsigned();
    }
    Ok(take(bytes))
}

package dev.ensue.bench;

import dev.ensue.Config;
import dev.ensue.Ensue;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import kotlinx.coroutines.BuildersKt;
import kotlin.coroutines.EmptyCoroutineContext;

/**
 * How long the first `Ensue.initialize` of a process keeps its caller, for a JVM of its own. Prints nanoseconds: of the
 * call with the making of its configuration, of the processor for that, of the call alone, and of the first `record` after
 * the engine is open.
 *
 * <p>What every Kotlin app has loaded before, of the language's own library, is loaded before here too.
 */
public final class FirstCall {
    private static final String[] OF_KOTLIN = {
        "kotlin.jvm.internal.Intrinsics", "kotlin.jvm.internal.Lambda", "kotlin.jvm.functions.Function1",
        "kotlin.coroutines.Continuation", "kotlin.time.Duration",
    };

    private FirstCall() {}

    public static void main(String[] args) throws Exception {
        for (String name : OF_KOTLIN) {
            Class.forName(name);
        }
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long cpu = threads.getCurrentThreadCpuTime();
        long begin = System.nanoTime();
        Config config = new Config();
        long made = System.nanoTime();
        Ensue ensue = Ensue.initialize(config);
        long end = System.nanoTime();
        long spent = threads.getCurrentThreadCpuTime() - cpu;
        BuildersKt.runBlocking(EmptyCoroutineContext.INSTANCE, (scope, then) -> ensue.ready(then));
        long recording = System.nanoTime();
        ensue.record("pv", "item_detail");
        long recorded = System.nanoTime();
        System.out.println((end - begin) + " " + spent + " " + (end - made) + " " + (recorded - recording));
        ensue.close();
    }
}

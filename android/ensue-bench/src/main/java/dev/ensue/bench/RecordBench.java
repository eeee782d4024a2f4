package dev.ensue.bench;

import dev.ensue.Config;
import dev.ensue.Ensue;
import dev.ensue.Recorded;
import java.util.concurrent.TimeUnit;
import kotlin.Pair;
import kotlin.coroutines.EmptyCoroutineContext;
import kotlinx.coroutines.BuildersKt;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What `record` costs on the caller's thread: an event with a scene and five attributes, wanted by a task or by none.
 *
 * <p>Wanted events come in rounds of 3,000 below the queue's limit, so that none is dropped; between rounds, which is not
 * measured, the worker catches up. Within a round it is busy.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 100)
@Measurement(iterations = 100)
public class RecordBench {
    static final int ROUND = 3_000;
    private static final String TASKS = """
        {"taskArray":[{"id":"t","taskType":"cep",
         "rule":"EVENT: a -> b WHERE a.actionType = 'pv' AND a.args.price > 10 AND b.actionType = 'leave' WITHIN 1 MIN"}]}
        """;

    /** Of which action the events are. */
    @Param({"pv", "noise"})
    public String action;

    private Ensue ensue;
    private final Pair<String, Object>[] args = args();

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static Pair<String, Object>[] args() {
        return new Pair[] {
            new Pair<>("item", 42), new Pair<>("price", 3.5), new Pair<>("city", "Hangzhou"), new Pair<>("new", true),
            new Pair<>("from", "search"),
        };
    }

    @Setup
    public void open() throws InterruptedException {
        ensue = Ensue.initialize(new Config());
        BuildersKt.runBlocking(EmptyCoroutineContext.INSTANCE, (scope, then) -> ensue.apply(TASKS, then));
    }

    @Setup(Level.Iteration)
    public void caughtUp() throws InterruptedException {
        BuildersKt.runBlocking(EmptyCoroutineContext.INSTANCE, (scope, then) -> ensue.flush(then));
        // The worker is awake and has something to do.
        for (int n = 0; n < 500; n++) {
            ensue.record(action, "item_detail", args);
        }
    }

    @TearDown
    public void close() {
        ensue.close();
    }

    @Benchmark
    @OperationsPerInvocation(ROUND)
    public int record() {
        int full = 0;
        for (int n = 0; n < ROUND; n++) {
            full += ensue.record(action, "item_detail", args) == Recorded.Full.INSTANCE ? 1 : 0;
        }
        if (full > 0) {
            throw new IllegalStateException("the queue was full: this would measure the dropping of events");
        }
        return full;
    }
}

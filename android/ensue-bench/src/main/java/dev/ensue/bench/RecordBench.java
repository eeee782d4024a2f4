package dev.ensue.bench;

import dev.ensue.Config;
import dev.ensue.Ensue;
import dev.ensue.Recorded;
import dev.ensue.internal.NativeEntry;
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
 * What `record` costs on the caller's thread, and what a JNI call costs that finds no engine and does nothing.
 *
 * <p>Wanted events come in rounds of 1,000, so that none is dropped; between rounds, which is not measured, the worker
 * catches up. Within a round it is busy. Rounds are short, so that some of them meet no other work of the machine; after
 * twenty the engine is a new one, so that its store stays small.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(2)
@Warmup(iterations = 100)
@Measurement(iterations = 100)
public class RecordBench {
    static final int ROUND = 1_000;
    private static final int ROUNDS = 20;
    private static final String TASKS = """
        {"taskArray":[{"id":"t","taskType":"cep",
         "rule":"EVENT: v -> l WHERE v.actionType = 'pv' AND v.scene = 'item_detail' AND v.args.price > 0
                 AND l.actionType = 'leave' AND l.args.item = 'none' WITHIN 10 MIN"}]}
        """.replace("\n", " ");

    /** What is recorded. */
    @Param({"jni", "wanted", "wanted_5", "wanted_bare", "unwanted"})
    public String variant;

    private Ensue ensue;
    private int round;
    private String action;
    private String scene;
    private Pair<String, Object>[] args;
    private final byte[] nothing = new byte[16];

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static Pair<String, Object>[] args(String variant) {
        return switch (variant) {
            case "wanted" -> new Pair[] {new Pair<>("item", "42"), new Pair<>("price", 3.5)};
            case "wanted_5" -> new Pair[] {
                new Pair<>("item", 42), new Pair<>("price", 3.5), new Pair<>("city", "Hangzhou"), new Pair<>("rooms", 3),
                new Pair<>("new", true),
            };
            case "unwanted" -> new Pair[] {new Pair<>("depth", 7)};
            default -> new Pair[] {};
        };
    }

    @Setup
    public void choose() {
        args = args(variant);
        action = variant.equals("unwanted") ? "scroll" : "pv";
        scene = variant.equals("unwanted") ? "list" : "item_detail";
    }

    private void open() throws InterruptedException {
        close();
        ensue = Ensue.initialize(new Config());
        BuildersKt.runBlocking(EmptyCoroutineContext.INSTANCE, (scope, then) -> ensue.apply(TASKS, then));
    }

    @Setup(Level.Iteration)
    public void caughtUp() throws InterruptedException {
        if (round++ % ROUNDS == 0) {
            open();
        }
        BuildersKt.runBlocking(EmptyCoroutineContext.INSTANCE, (scope, then) -> ensue.flush(then));
        // The worker is awake and has something to do.
        for (int n = 0; n < 500; n++) {
            ensue.record("pv", "item_detail");
        }
    }

    @TearDown
    public void close() {
        if (ensue != null) {
            ensue.close();
        }
    }

    @Benchmark
    @OperationsPerInvocation(ROUND)
    public int record() {
        int full = 0;
        if (variant.equals("jni")) {
            for (int n = 0; n < ROUND; n++) {
                full += NativeEntry.record(Long.MAX_VALUE, nothing, 0);
            }
            return full;
        }
        for (int n = 0; n < ROUND; n++) {
            full += ensue.record(action, scene, args) == Recorded.Full.INSTANCE ? 1 : 0;
        }
        if (full > 0) {
            throw new IllegalStateException("the queue was full: this would measure the dropping of events");
        }
        return full;
    }
}

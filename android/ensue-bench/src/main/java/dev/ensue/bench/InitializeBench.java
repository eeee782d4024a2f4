package dev.ensue.bench;

import dev.ensue.Config;
import dev.ensue.Ensue;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * How long `Ensue.initialize` keeps its caller: the first call of a process, which also loads classes (iteration 1 of each
 * fork), and later ones.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(3)
@Warmup(iterations = 0)
@Measurement(iterations = 10)
public class InitializeBench {
    private Ensue ensue;

    @Benchmark
    public Ensue initialize() {
        ensue = Ensue.initialize(new Config());
        return ensue;
    }

    @TearDown(Level.Iteration)
    public void close() {
        ensue.close();
    }
}

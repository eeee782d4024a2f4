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

/** How long `Ensue.initialize` keeps its caller, but for the first call of a process, which {@link FirstCall} measures. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Warmup(iterations = 5)
@Measurement(iterations = 50)
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

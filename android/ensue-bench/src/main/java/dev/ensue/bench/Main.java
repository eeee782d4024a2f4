package dev.ensue.bench;

import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;
import org.openjdk.jmh.util.Statistics;

/**
 * All benches, a line of JSON each: the median and the best of many rounds. Exit code 1 where a promise is not kept; that is
 * judged by the best, since other work on the machine only ever adds. Arguments: the names of variants.
 */
public final class Main {
    private static final List<String> PROMISED = List.of("wanted", "wanted_5", "wanted_bare", "unwanted");
    private static final int PROCESSES = 20;

    private Main() {}

    public static void main(String[] asked) throws Exception {
        List<String> only = List.of(asked);
        boolean kept = true;
        for (String variant : List.of("jni", "wanted", "wanted_5", "wanted_bare", "unwanted")) {
            if (only.isEmpty() || only.contains(variant)) {
                Statistics found = run(RecordBench.class, variant);
                String bench = variant.equals("jni") ? "floor" : "record";
                say("{\"bench\":\"%s\",\"variant\":\"%s\",\"events\":%d,\"ns_per_op\":%.0f,\"best_ns\":%.0f}",
                    bench, variant, found.getN() * RecordBench.ROUND, found.getPercentile(50), found.getMin());
                kept &= !PROMISED.contains(variant) || found.getMin() <= 1_000;
            }
        }
        if (only.isEmpty() || only.contains("initialize")) {
            kept &= first();
            Statistics later = run(InitializeBench.class, null);
            initialize("later", later.getPercentile(50), later.getMin());
        }
        System.exit(kept ? 0 : 1);
    }

    private static Statistics run(Class<?> bench, String variant) throws Exception {
        OptionsBuilder options = new OptionsBuilder();
        options.include(bench.getName() + "\\.").verbosity(VerboseMode.SILENT);
        if (variant != null) {
            options.param("variant", variant);
        }
        RunResult result = new Runner(options.build()).run().iterator().next();
        return result.getPrimaryResult().getStatistics();
    }

    /** Processes of their own, from the jars as apps have them. */
    private static boolean first() throws Exception {
        String java = new File(System.getProperty("java.home"), "bin/java").getPath();
        String path = System.getProperty("ensue.bench.path");
        List<List<Double>> columns = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
        for (int n = 0; n < PROCESSES; n++) {
            Process process = new ProcessBuilder(java, "-cp", path, FirstCall.class.getName())
                .redirectError(ProcessBuilder.Redirect.INHERIT).start();
            String[] said = new String(process.getInputStream().readAllBytes()).trim().split(" ");
            for (int i = 0; i < columns.size(); i++) {
                columns.get(i).add(Double.parseDouble(said[i]));
            }
            process.waitFor();
        }
        columns.forEach(column -> column.sort(null));
        List<String> names = List.of("first, with its configuration", "first, with its configuration, processor",
            "first", "first record");
        for (int i = 0; i < columns.size(); i++) {
            initialize(names.get(i), columns.get(i).get(PROCESSES / 2), columns.get(i).get(0));
        }
        return columns.get(2).get(0) <= 1e6;
    }

    private static void initialize(String variant, double median, double best) {
        say("{\"bench\":\"initialize\",\"variant\":\"%s\",\"ms\":%.3f,\"best_ms\":%.3f}", variant, median / 1e6, best / 1e6);
    }

    private static void say(String form, Object... values) {
        System.out.println(String.format(Locale.ROOT, form, values));
    }
}

// Not verified by the project's tests: see ../README.md. Needs the NDK and cargo-ndk; bindings are generated from the library
// of the machine that builds, whose exported surface is the same.
plugins {
    id("com.android.library")
    kotlin("android")
}

val generated = layout.buildDirectory.dir("generated/kotlin")
val libraries = layout.buildDirectory.dir("jniLibs")

val generate by tasks.registering(Exec::class) {
    commandLine("../native.sh", "generate", "dev", generated.get().asFile.path)
    outputs.dir(generated)
}

val cargo by tasks.registering(Exec::class) {
    workingDir = file("../..")
    // Pages of 16 KB, as Android 15 asks for.
    environment("RUSTFLAGS", "-C link-arg=-Wl,-z,max-page-size=16384")
    commandLine(
        "cargo", "ndk", "-t", "arm64-v8a", "-t", "armeabi-v7a", "-t", "x86_64", "-t", "x86", "--platform", "24",
        "-o", libraries.get().asFile.path, "build", "--release", "--locked", "-p", "ensue-ffi",
    )
    outputs.dir(libraries)
}

android {
    namespace = "dev.ensue.ffi"
    compileSdk = 35
    defaultConfig {
        minSdk = 24
        consumerProguardFiles("consumer-rules.pro")
    }
    sourceSets["main"].java.srcDir(generated)
    sourceSets["main"].jniLibs.srcDir(libraries)
}

kotlin.jvmToolchain(17)

tasks.named("preBuild") { dependsOn(generate, cargo) }

dependencies {
    implementation("net.java.dev.jna:jna:5.19.1@aar")
}

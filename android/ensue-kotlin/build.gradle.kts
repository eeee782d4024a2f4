// Not verified by the project's tests: see ../README.md.
plugins {
    id("com.android.library")
    kotlin("android")
}

android {
    namespace = "dev.ensue"
    compileSdk = 35
    defaultConfig {
        minSdk = 24
        consumerProguardFiles("consumer-rules.pro")
    }
}

kotlin {
    jvmToolchain(17)
    explicitApi()
}

dependencies {
    implementation(project(":ensue-bindings"))
    api("org.jetbrains.kotlinx:kotlinx-coroutines-android:1.11.0")
}

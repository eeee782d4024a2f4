// For Android. Not verified by the project's tests, which build the same sources with Maven: see README.md.
pluginManagement {
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}
dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
    }
}
rootProject.name = "ensue"
include(":ensue-bindings", ":ensue-kotlin")

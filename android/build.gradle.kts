// Not verified by the project's tests: see README.md.
plugins {
    id("com.android.library") version "8.13.0" apply false
    kotlin("android") version "2.4.21" apply false
}

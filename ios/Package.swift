// swift-tools-version:6.0
// The Swift face of Ensue. `EnsueFFI` and `EnsueFFIC` are generated (generate.sh) and not in the repository.

import PackageDescription

#if os(Linux)
    // For the tests here: the library is built by cargo, and test.sh says to the linker where.
    let library = Target.systemLibrary(name: "EnsueFFIC", path: "Generated/EnsueFFIC")
#else
    // Made by xcframework.sh.
    let library = Target.binaryTarget(name: "EnsueFFIC", path: "Generated/EnsueFFIC.xcframework")
#endif

let package = Package(
    name: "Ensue",
    platforms: [.iOS(.v16), .macOS(.v13)],
    products: [.library(name: "Ensue", targets: ["Ensue"])],
    targets: [
        library,
        .target(name: "EnsueFFI", dependencies: ["EnsueFFIC"], path: "Generated/EnsueFFI"),
        .target(name: "Ensue", dependencies: ["EnsueFFI"]),
        // The generated part too, for what an empty call of it costs.
        .executableTarget(name: "EnsueBench", dependencies: ["Ensue", "EnsueFFI"]),
        // The program of the README.
        .executableTarget(name: "First", dependencies: ["Ensue"]),
        .testTarget(name: "EnsueTests", dependencies: ["Ensue"]),
    ]
)

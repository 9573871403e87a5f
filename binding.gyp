{
  # CMakeLists.txt defines the build; this file only lets node-gyp (and so prebuildify and installs from
  # source) start it. The output that never appears makes the action run every time: CMake decides what is stale.
  "targets": [
    {
      "target_name": "fused_attention",
      "type": "none",
      "actions": [
        {
          "action_name": "cmake_build",
          "inputs": ["CMakeLists.txt"],
          "outputs": ["<(PRODUCT_DIR)/always-out-of-date"],
          "action": ["node", "scripts/build-native.cjs", "--out", "<(PRODUCT_DIR)/fused_attention.node"]
        }
      ]
    }
  ]
}

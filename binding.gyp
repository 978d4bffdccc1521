{
  # Node-free C++ (summit_core, tests) and the two addons. Configurations: Release, Asan (address and
  # undefined behaviour), Tsan (threads); `scripts/build native-tests Asan` builds one of them.
  'variables': {
    'own_warnings': ['-Wall', '-Wextra', '-Wshadow', '-Wconversion', '-Werror'],
    'own_cflags_cc': ['-std=c++20', '-fno-exceptions', '-fno-rtti'],
  },
  'target_defaults': {
    'include_dirs': ['.'],
    'cflags!': ['-Wno-unused-parameter'],
    'cflags_cc!': ['-std=gnu++17', '-std=gnu++20', '-std=gnu++1y', '-fno-exceptions', '-fno-rtti'],
    'cflags': ['-fPIC', '-fno-math-errno', '<@(own_warnings)'],
    'cflags_cc': ['<@(own_cflags_cc)'],
    'default_configuration': 'Release',
    'configurations': {
      'Release': {'cflags': ['-O3', '-g1']},
      'Asan': {
        'defines': ['SUMMIT_SANITIZED=1'],
        'cflags': ['-O1', '-g1', '-fno-omit-frame-pointer', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
        'ldflags': ['-fsanitize=address,undefined'],
      },
      'Tsan': {
        'defines': ['SUMMIT_SANITIZED=1'],
        'cflags': ['-O1', '-g1', '-fno-omit-frame-pointer', '-fsanitize=thread'],
        'ldflags': ['-fsanitize=thread'],
      },
    },
  },
  'targets': [
    {
      # What works on pixels: optimized also under sanitizers, where its tests would take long otherwise.
      'target_name': 'summit_kernels',
      'type': 'static_library',
      'sources': ['<!@(ls addons/pixels/*.cc addons/image/*.cc | grep -v _test.cc)'],
    },
    {
      'target_name': 'summit_core',
      'type': 'static_library',
      'dependencies': ['summit_kernels'],
      'sources': ['<!@(ls addons/daq/*.cc addons/fits/*.cc addons/looks/*.cc addons/recorder/*.cc | grep -v _test.cc)'],
      'configurations': {'Asan': {'cflags!': ['-O1'], 'cflags': ['-O0']}, 'Tsan': {'cflags!': ['-O1'], 'cflags': ['-O0']}},
      'cflags': ['<!@(pkg-config --cflags cfitsio | sed s/-I/-isystem/g)'],
      'direct_dependent_settings': {
        'libraries': ['<!@(pkg-config --libs cfitsio)', '-lz', '-ldl', '-lpthread'],
      },
    },
    {
      'target_name': 'mock_plugin',
      'type': 'shared_library',
      'product_prefix': '',
      'product_extension': 'so',
      'sources': ['addons/daq/testing/mock_plugin.cc'],
    },
    {
      # What tests paint their frames with, and what takes their time: optimized also under sanitizers.
      'target_name': 'summit_painters',
      'type': 'static_library',
      'sources': ['<!@(ls addons/*/testing/*.cc | grep -v mock_plugin.cc)'],
      'cflags': ['<!@(pkg-config --cflags cfitsio | sed s/-I/-isystem/g)'],
    },
    {
      # A whole agent on the fake card of the `datadev` driver's tests.
      'target_name': 'card_plugin',
      'type': 'shared_library',
      'product_prefix': '',
      'product_extension': 'so',
      'dependencies': ['summit_core'],
      'sources': ['addons/daq/testing/card-plugin/card_plugin.cc', 'addons/daq/testing/fake_card.cc'],
      'ldflags': ['-Wl,--exclude-libs,ALL', '-Wl,--gc-sections'],
    },
    {
      'target_name': 'summit_tests',
      'type': 'executable',
      'dependencies': ['summit_painters', 'summit_core', 'mock_plugin', 'card_plugin'],
      'sources': ['<!@(ls addons/*/*_test.cc)'],
      # Behaviour is watched in what is tested; in the tests themselves it would cost a third of their compilation.
      'configurations': {
        'Release': {'cflags!': ['-O3'], 'cflags': ['-O1']},
        'Asan': {'cflags!': ['-O1', '-fsanitize=address,undefined'], 'cflags': ['-O0', '-fsanitize=address']},
      },
      'libraries': ['-lgtest', '-lgtest_main', '-lpthread'],
    },
    {
      # The tests of what runs in several threads: what TSan is for. Kernels have nothing to show to it, and are slow there.
      'target_name': 'summit_thread_tests',
      'type': 'executable',
      'dependencies': ['summit_painters', 'summit_core', 'mock_plugin'],
      'sources': [
        '<!@(ls addons/daq/*_test.cc addons/looks/*_test.cc addons/recorder/*_test.cc | grep -v -e conservation -e image_receiver)',
        'addons/fits/detector_calibrations_test.cc', 'addons/fits/raw_image_writer_test.cc', 'addons/image/isr_threads_test.cc',
      ],
      'configurations': {'Tsan': {'cflags!': ['-O1'], 'cflags': ['-O0']}},
      'libraries': ['-lgtest', '-lgtest_main', '-lpthread'],
    },
    {
      'target_name': 'kernel_bench',
      'type': 'executable',
      'dependencies': ['summit_core'],
      'sources': ['scripts/bench/kernel/kernel_bench.cc'],
    },
    {
      'target_name': 'image_bench',
      'type': 'executable',
      'dependencies': ['summit_core'],
      'sources': ['scripts/bench/image/image_bench.cc'],
    },
    {
      'target_name': 'summit_agent',
      'type': 'loadable_module',
      'dependencies': ['summit_core'],
      'sources': ['<!@(ls addons/binding/*.cc)'],
      'cflags': ['-isystem', '<!(node -p "require(\'path\').dirname(require.resolve(\'node-addon-api/package.json\'))")'],
      # A worker thread may be terminated with a call to JavaScript on its way: that call fails, and without the last
      # define node-addon-api ends the process for it.
      'defines': ['NAPI_VERSION=9', 'NAPI_DISABLE_CPP_EXCEPTIONS', 'NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS'],
    },
    {
      'target_name': 'sim_native',
      'type': 'loadable_module',
      'sources': ['<!@(ls sim-hw/native/*.cc)'],
      'cflags': ['<!@(pkg-config --cflags cfitsio | sed s/-I/-isystem/g)', '-isystem', '<!(node -p "require(\'path\').dirname(require.resolve(\'node-addon-api/package.json\'))")'],
      'libraries': ['<!@(pkg-config --libs cfitsio)'],
      'defines': ['NAPI_VERSION=9', 'NAPI_DISABLE_CPP_EXCEPTIONS'],
    },
  ],
}

// A SoapySDR module for tests: "played", a radio that plays a file and breaks as it is told.
//
// PLAYED names a folder. Each opening adds a line to `starts` and takes the next of the files
// `plan.0`, `plan.1`, ..., the last for all further ones; a plan has lines KEY=VALUE:
//   absent=1 not found; busy=1 found, cannot be opened; slow=1 opening hangs
//   data=FILE samples in the native format, in a loop; format=CS8|CU8|CS16|CF32, full_scale=F
//   stamps=0 none; mtu=N; paced=1 as fast as its rate, else as fast as they are read
//   overflow=READ:N loses N samples at that read and says so; skip=READ:N loses them in silence
//   timeout=READ, end=READ (stream error), hang=READ, crash=READ: what happens at that read
// What it is set to goes to the file `set`.
#include <SoapySDR/Device.hpp>
#include <SoapySDR/Formats.hpp>
#include <SoapySDR/Registry.hpp>

#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using SoapySDR::Kwargs;

static std::string folder() {
  const char *name = std::getenv("PLAYED");
  return name ? name : "";
}

static Kwargs next_plan() {
  std::ifstream starts(folder() + "/starts");
  std::string line;
  size_t n = 0;
  while (std::getline(starts, line)) n++;
  Kwargs plan;
  for (size_t i = n + 1; i-- > 0;) {
    std::ifstream file(folder() + "/plan." + std::to_string(i));
    if (!file) continue;
    while (std::getline(file, line)) {
      size_t at = line.find('=');
      plan[line.substr(0, at)] = line.substr(at + 1);
    }
    break;
  }
  return plan;
}

static void hang() {
  while (true) std::this_thread::sleep_for(std::chrono::seconds(100));
}

class Played : public SoapySDR::Device {
  Kwargs plan;
  std::vector<char> data;
  std::string native, asked;
  double rate = 1e6, frequency = 1e8, gain = 0;
  long reads = 0;
  long long position = 0;
  size_t mtu;
  std::chrono::steady_clock::time_point begun;

  std::string get(const std::string &key, const std::string &otherwise) const {
    auto found = plan.find(key);
    return found == plan.end() ? otherwise : found->second;
  }
  bool is_now(const std::string &key) const { return std::atol(get(key, "0").c_str()) == reads; }
  size_t lost(const std::string &key) const {
    return is_now(key) ? std::stoul(get(key, "").substr(get(key, "").find(':') + 1)) : 0;
  }
  static size_t bytes(const std::string &format) {
    return format == "CF32" ? 8 : format == "CS16" ? 4 : 2;
  }
  void tell(const std::string &what) const { std::ofstream(folder() + "/set", std::ios::app) << what << "\n"; }

 public:
  explicit Played(const Kwargs &chosen) : plan(chosen), native(get("format", "CS16")), mtu(std::stoul(get("mtu", "4096"))) {
    std::ifstream file(get("data", ""), std::ios::binary);
    data.assign(std::istreambuf_iterator<char>(file), {});
  }
  std::string getDriverKey() const override { return "played"; }
  size_t getNumChannels(int direction) const override { return direction == SOAPY_SDR_RX ? 2 : 0; }
  std::vector<std::string> listAntennas(int, size_t) const override { return {"RX", "RX2"}; }
  void setAntenna(int, size_t channel, const std::string &name) override { tell("antenna " + std::to_string(channel) + " " + name); }
  std::vector<std::string> listGains(int, size_t) const override { return {"LNA", "VGA"}; }
  bool hasGainMode(int, size_t) const override { return true; }
  void setGainMode(int, size_t, bool is_automatic) override { tell(is_automatic ? "gain automatic" : "gain fixed"); }
  SoapySDR::Range getGainRange(int, size_t) const override { return {0, 50}; }
  SoapySDR::Range getGainRange(int, size_t, const std::string &) const override { return {0, 25}; }
  void setGain(int, size_t, double value) override { tell("gain " + std::to_string(value)); gain = value; }
  void setGain(int, size_t, const std::string &name, double value) override { tell("gain " + name + " " + std::to_string(value)); }
  bool hasFrequencyCorrection(int, size_t) const override { return get("has_ppm", "1") == "1"; }
  void setFrequencyCorrection(int, size_t, double ppm) override { tell("ppm " + std::to_string(ppm)); }
  void setFrequency(int, size_t, double value, const Kwargs &) override {
    tell("frequency " + std::to_string(value));
    frequency = std::min(value, 6e9);
  }
  double getFrequency(int, size_t) const override { return frequency; }
  SoapySDR::RangeList getSampleRateRange(int, size_t) const override { return {{1e5, 1e5}, {1e6, 2e7}}; }
  void setSampleRate(int, size_t, double value) override {
    if (value > 1e8) throw std::runtime_error("no such rate");
    tell("rate " + std::to_string(value));
    rate = std::min(value, 2e7);
  }
  double getSampleRate(int, size_t) const override { return rate; }
  void setBandwidth(int, size_t, double value) override { tell("bandwidth " + std::to_string(value)); }
  SoapySDR::ArgInfoList getSettingInfo() const override {
    SoapySDR::ArgInfoList known(2);
    known[0].key = "biasT_ctrl";
    known[1].key = "notch";
    return known;
  }
  void writeSetting(const std::string &key, const std::string &value) override { tell("setting " + key + " " + value); }

  std::vector<std::string> getStreamFormats(int, size_t) const override { return {native, "CF32"}; }
  std::string getNativeStreamFormat(int, size_t, double &full_scale) const override {
    full_scale = std::atof(get("full_scale", "32768").c_str());
    return native;
  }
  SoapySDR::Stream *setupStream(int, const std::string &format, const std::vector<size_t> &, const Kwargs &) override {
    asked = format;
    return reinterpret_cast<SoapySDR::Stream *>(this);
  }
  void closeStream(SoapySDR::Stream *) override { tell("closed"); }
  int activateStream(SoapySDR::Stream *, int, long long, size_t) override {
    begun = std::chrono::steady_clock::now();
    return 0;
  }
  int deactivateStream(SoapySDR::Stream *, int, long long) override { return 0; }
  int readStream(SoapySDR::Stream *, void *const *buffers, size_t wanted, int &flags, long long &stamp, long timeout_us) override {
    reads++;
    if (is_now("hang")) hang();
    if (is_now("crash")) std::abort();
    if (is_now("end")) return SOAPY_SDR_STREAM_ERROR;
    if (is_now("timeout")) {
      std::this_thread::sleep_for(std::chrono::microseconds(timeout_us));
      return SOAPY_SDR_TIMEOUT;
    }
    if (size_t n = lost("overflow")) {
      position += n;
      return SOAPY_SDR_OVERFLOW;
    }
    position += lost("skip");
    size_t n = std::min(wanted, mtu), n_data = data.size() / bytes(native);
    if (get("stamps", "1") == "1") {
      flags = SOAPY_SDR_HAS_TIME;
      stamp = static_cast<long long>(position * 1e9 / rate + 0.5) + 1000000007LL;
    }
    double full_scale = std::atof(get("full_scale", "32768").c_str());
    for (size_t i = 0; i < n; i++) {
      const char *from = &data[bytes(native) * ((position + i) % n_data)];
      if (asked == native) {
        std::memcpy(static_cast<char *>(buffers[0]) + bytes(native) * i, from, bytes(native));
      } else {
        int16_t both[2];
        std::memcpy(both, from, 4);
        float *out = static_cast<float *>(buffers[0]) + 2 * i;
        out[0] = both[0] / full_scale;
        out[1] = both[1] / full_scale;
      }
    }
    position += n;
    if (get("paced", "0") == "1")
      std::this_thread::sleep_until(begun + std::chrono::nanoseconds(static_cast<long long>(position * 1e9 / rate)));
    return static_cast<int>(n);
  }
};

static SoapySDR::KwargsList find(const Kwargs &) {
  if (folder().empty() || next_plan().count("absent")) return {};
  return {{{"serial", "P1"}, {"label", "Played radio"}}};
}

static SoapySDR::Device *make(const Kwargs &) {
  Kwargs plan = next_plan();
  if (plan.count("absent")) throw std::runtime_error("played radio is not there");
  std::ofstream(folder() + "/starts", std::ios::app) << getpid() << "\n";
  if (plan.count("slow")) hang();
  if (plan.count("busy")) throw std::runtime_error("played radio is busy");
  return new Played(plan);
}

static SoapySDR::Registry registry("played", &find, &make, SOAPY_SDR_ABI_VERSION);

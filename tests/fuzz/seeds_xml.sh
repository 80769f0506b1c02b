#!/bin/sh
# Write starting inputs for fuzz_muse and fuzz_cardiosoft: seeds_xml.sh muse|cardiosoft FOLDER
set -eu
kind=$1
out=$2
mkdir -p "$out"
seed() { cat > "$out/$1"; }

lead() { # NAME COUNT BASE64 MORE
    printf '<LeadData><LeadByteCountTotal>8</LeadByteCountTotal><LeadTimeOffset>0</LeadTimeOffset>'
    printf '<LeadSampleCountTotal>%s</LeadSampleCountTotal><LeadAmplitudeUnitsPerBit>4.88</LeadAmplitudeUnitsPerBit>' "$2"
    printf '<LeadAmplitudeUnits>MICROVOLTS</LeadAmplitudeUnits><LeadID>%s</LeadID>' "$1"
    printf '<LeadSampleSize>2</LeadSampleSize>%s<WaveFormData>\n%s\n</WaveFormData></LeadData>\n' "$4" "$3"
}
muse() {
    printf '<?xml version="1.0" encoding="ISO-8859-1"?>\n<!DOCTYPE RestingECG SYSTEM "restecg.dtd">\n<RestingECG>\n'
    printf '<PatientDemographics><PatientID>12</PatientID><PatientAge>63</PatientAge><AgeUnits>YEARS</AgeUnits>'
    printf '<DateofBirth>01-31-1950</DateofBirth><Gender>FEMALE</Gender></PatientDemographics>\n'
    printf '<TestDemographics><AcquisitionTime>10:20:30</AcquisitionTime><AcquisitionDate>12-31-2020</AcquisitionDate>'
    printf '<AcquisitionDevice>MAC</AcquisitionDevice></TestDemographics>\n<Diagnosis><DiagnosisStatement>'
    printf '<StmtFlag>ENDSLINE</StmtFlag><StmtText>Sinus, yes &amp; no</StmtText></DiagnosisStatement></Diagnosis>\n'
    printf '<Waveform><WaveformType>%s</WaveformType><NumberofLeads>2</NumberofLeads><SampleType>CONTINUOUS_SAMPLES' "$1"
    printf '</SampleType><SampleBase>500</SampleBase><SampleExponent>0</SampleExponent>'
    lead I 4 AAABAAIAAwA= '<LeadDataCRC32>123</LeadDataCRC32>'
    lead II 5 '/wD+AAGA AIA=' '<FirstSampleBaseline>0</FirstSampleBaseline>'
    printf '</Waveform></RestingECG>\n'
}

settings='<SampleRate units="Hz">3</SampleRate><Resolution units="uVperLsb">5</Resolution>'
samples='<WaveformData lead="I">\n\t1,-2, 3,\n\t-32768,5</WaveformData><WaveformData lead="II">6,7,8,9,</WaveformData>'
cardiosoft() {
    printf '<?xml version="1.0" encoding="ISO8859-1"?>\n<CardiologyXML><ObservationType>RestECG</ObservationType>'
    printf '<ObservationDateTime><Hour>1</Hour><Minute>2</Minute><Second>3</Second><Day>4</Day><Month>5</Month>'
    printf '<Year>2019</Year></ObservationDateTime><PatientInfo><PID>12</PID><Age units="years">53</Age><BirthDateTime>'
    printf '<Day>1</Day><Month>1</Month><Year>1966</Year></BirthDateTime><Gender>MALE</Gender></PatientInfo>\n'
    printf '<Interpretation><Diagnosis><DiagnosisText>x, y</DiagnosisText></Diagnosis></Interpretation>'
    printf '%b' "$1"
    printf '</CardiologyXML>\n'
}

if [ "$kind" = muse ]; then
    muse Rhythm | seed rhythm
    muse Median | seed median
    muse Rhythm | sed '2d; 1s/ISO-8859-1/UTF-8/' | tr -d '\n' | seed one-line
    printf '<RestingECG><Waveform><WaveformType>Rhythm</WaveformType><SampleBase>1</SampleBase></Waveform></RestingECG>' | seed small
    printf '\377\376<\000R\000e\000s\000t\000i\000n\000g\000E\000C\000G\000/\000>\000' | seed utf16
    printf '<!DOCTYPE r [<!ENTITY a "b">]><RestingECG>&a;</RestingECG>' | seed entity
else
    cardiosoft "<StripData><ChannelSampleCountTotal>5</ChannelSampleCountTotal>$settings$samples</StripData>" | seed rest
    cardiosoft "<StripData>$settings<Strip idx=\"0\">$samples</Strip><Strip/></StripData>" | seed exercise
    cardiosoft "<Strip><StripData>$settings$samples</StripData></Strip>" | seed strip
    cardiosoft "<RestingECGMeasurements><MedianSamples>$settings$samples</MedianSamples></RestingECGMeasurements>" | seed median
    for values in '1,2,3,101,102,103,4,5,6,104,105,106,' '1,101,2,102,3,103,4,104,5,105,6,106'; do
        cardiosoft "<FullDisclosure><NumberOfChannels>2</NumberOfChannels>$settings<LeadOrder>I,2</LeadOrder><FullDisclosureData>$values<SampleCountTotal>12</SampleCountTotal></FullDisclosureData></FullDisclosure>" |
            seed "full-${#values}"
    done
fi
